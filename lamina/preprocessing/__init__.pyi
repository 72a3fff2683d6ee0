from . import image as image
from . import sequence as sequence
from .names import image_dataset_from_directory as image_dataset_from_directory
from .names import text_dataset_from_directory as text_dataset_from_directory
from .names import timeseries_dataset_from_array as timeseries_dataset_from_array
