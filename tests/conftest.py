"""Settings that hold before any test module is imported. Its folder is on the path, so tests share `oracle.py`."""

import gc
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("LAMINA_COMPILE_CACHE", "0")  # tests leave nothing in the home folder
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# XLA compiles thousands of tiny programs here: without LLVM's costly passes, and with the emitters of kernels that it had
# before MLIR, in two thirds of the time
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=1 --xla_cpu_use_fusion_emitters=false")


def pytest_configure() -> None:
    """The steps of training are compiled as users' are: tests compare their bits."""
    try:
        from lamina.backends.jax import compiling
    except ImportError:
        return
    chosen = compiling._options
    usual = {"xla_backend_optimization_level": 3, "xla_cpu_use_fusion_emitters": True}
    compiling._options = lambda wanted: (found := chosen(wanted)) and {**found, **usual}


def pytest_collection_finish() -> None:
    """What three frameworks and all tests leave in memory is not walked again by each full collection."""
    gc.freeze()
