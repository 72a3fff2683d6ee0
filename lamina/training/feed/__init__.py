"""Data: from what `fit` is given to batches on the device."""
