from .load import get_word_index as get_word_index
from .load import load_data as load_data
