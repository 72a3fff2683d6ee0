"""Settings that hold before any test module is imported. Its folder is on the path, so tests share `oracle.py`."""

import gc
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("LAMINA_COMPILE_CACHE", "0")  # tests leave nothing in the home folder
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def pytest_configure() -> None:
    """XLA compiles thousands of tiny programs here, and the steps of training, whose bits tests compare.

    The former without LLVM's costly passes and with the emitters of kernels that XLA had before MLIR, in two thirds of
    the time; the latter as users have them. XLA reads its flags once; processes that tests start have the users' again.
    """
    try:
        import jax
    except ImportError:
        return
    from lamina.backends.jax.cpu import plan

    before = os.environ.get("XLA_FLAGS", "")
    quick = "--xla_backend_optimization_level=1 --xla_cpu_use_fusion_emitters=false"
    os.environ["XLA_FLAGS"] = f"{quick} {before}".strip()
    jax.jit(lambda: 0)()
    os.environ["XLA_FLAGS"] = before
    plan.for_every_step.update(xla_backend_optimization_level=3, xla_cpu_use_fusion_emitters=True)


def pytest_collection_finish() -> None:
    """What three frameworks and all tests leave in memory is not walked again by each full collection."""
    gc.freeze()
