"""`K`: settings, which are those of `lamina.config`."""

from lamina.backend import get_uid as get_uid
from lamina.config import backend as backend
from lamina.config import epsilon as epsilon
from lamina.config import floatx as floatx
from lamina.config import image_data_format as image_data_format
from lamina.config import set_epsilon as set_epsilon
from lamina.config import set_floatx as set_floatx
from lamina.config import set_image_data_format as set_image_data_format
