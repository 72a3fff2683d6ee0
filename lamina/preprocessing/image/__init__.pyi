from .names import array_to_img as array_to_img
from .names import img_to_array as img_to_array
from .names import load_img as load_img
from .names import save_img as save_img
from .names import smart_resize as smart_resize
