"""What the applications share, under the name of Keras."""

from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.applications.imagenet import preprocess_input as preprocess_input
