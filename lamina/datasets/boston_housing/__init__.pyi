from .load import load_data as load_data
