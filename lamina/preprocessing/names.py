"""What `lamina.utils` has."""

from lamina.utils.image_folders import image_dataset_from_directory
from lamina.utils.series import timeseries_dataset_from_array
from lamina.utils.text_folders import text_dataset_from_directory

__all__ = ["image_dataset_from_directory", "text_dataset_from_directory", "timeseries_dataset_from_array"]
