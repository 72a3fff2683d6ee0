"""Settings that hold before any test module is imported. Its folder is on the path, so tests share `oracle.py`."""

import gc
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("LAMINA_COMPILE_CACHE", "0")  # tests leave nothing in the home folder
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# XLA compiles thousands of tiny programs here: a fifth of the time is saved by leaving out LLVM's costly passes
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=1")


def pytest_collection_finish() -> None:
    """What three frameworks and all tests leave in memory is not walked again by each full collection."""
    gc.freeze()
