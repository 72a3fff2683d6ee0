"""The backends that can train, one after the other; and memory that is given back."""

import gc
import sys

import pytest
from models import TRAINING

import lamina


@pytest.fixture(params=TRAINING)
def backend(request):
    """Each backend with gradients, in force during the test."""
    with lamina.backend(request.param):
        yield request.param


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Before tests are chosen by their marks: `around_the_step` makes slow ones of those where each fit traces a graph.

    It stands at what is said of feeds and callbacks, which are the same code around any step.
    """
    for item in items:
        if item.get_closest_marker("around_the_step") and item.callspec.params["backend"] == "tensorflow":
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module", autouse=True)
def _programs_are_released():
    """Those of jax outlive their models in its caches: a fifth of a gigabyte for a file of tests."""
    yield
    gc.collect()
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
