"""Settings that hold before any test module is imported. Its folder is on the path, so tests share `oracle.py`."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("LAMINA_COMPILE_CACHE", "0")  # tests leave nothing in the home folder
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
