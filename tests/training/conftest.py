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


@pytest.fixture(scope="module", autouse=True)
def _programs_are_released():
    """Those of jax outlive their models in its caches: a fifth of a gigabyte for a file of tests."""
    yield
    gc.collect()
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
