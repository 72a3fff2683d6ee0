"""Speed, side by side with real Keras, in one run: `make bench`."""
