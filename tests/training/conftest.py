"""The backends that can train, one after the other."""

import pytest
from models import TRAINING

import lamina


@pytest.fixture(params=TRAINING)
def backend(request):
    """Each backend with gradients, in force during the test."""
    with lamina.backend(request.param):
        yield request.param
