from .formats import convert_format as convert_format
