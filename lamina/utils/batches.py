"""The parts of a batch, and data sets of batches."""

from lamina.training.feed.batch import pack_x_y_sample_weight, unpack_x_y_sample_weight
from lamina.training.feed.dataset import PyDataset

Sequence = PyDataset

__all__ = ["PyDataset", "Sequence", "pack_x_y_sample_weight", "unpack_x_y_sample_weight"]
