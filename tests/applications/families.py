"""The applications, and one small variant of each family with small images."""

from __future__ import annotations

import atexit
import json
import os
import pathlib
import subprocess
import sys
from functools import cache
from typing import Any

import lamina

HERE = pathlib.Path(__file__).parent
KINDS = sorted(n for n in lamina.applications.__all__ if n[0].isupper())

BARE: dict[str, Any] = {"weights": None, "classifier_activation": None, "classes": 5}

# One of each family, as small as it gets.
SMALL: dict[str, dict[str, Any]] = {
    "ConvNeXtTiny": {"input_shape": (32, 32, 3)},
    "DenseNet121": {"input_shape": (33, 35, 3)},
    "EfficientNetB0": {"input_shape": (32, 35, 3)},
    "EfficientNetV2B0": {"input_shape": (32, 35, 3)},
    "InceptionV3": {"input_shape": (75, 76, 3)},
    "MobileNet": {"input_shape": (33, 32, 3), "alpha": 0.25},
    "MobileNetV2": {"input_shape": (33, 35, 3), "alpha": 0.35},
    "MobileNetV3Small": {"input_shape": (33, 35, 3)},
    "ResNet50": {"input_shape": (33, 35, 3)},
    "ResNet50V2": {"input_shape": (33, 35, 3)},
    "VGG16": {"input_shape": (33, 35, 3), "include_top": False, "pooling": "max"},
    "Xception": {"input_shape": (71, 72, 3), "include_top": False, "pooling": "avg"},
}


def build(kind: str, **arguments: Any) -> Any:
    """One of ours, its automatic names as in a fresh process."""
    lamina.utils.clear_session()
    return getattr(lamina.applications, kind)(**arguments)


@cache
def keras_process(backend: str) -> subprocess.Popen:
    """Real Keras in another process, which does jobs as long as the tests run."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "keras_models.py")],
        env={**os.environ, "KERAS_BACKEND": backend},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen) -> None:
    process.kill()
    process.communicate()


def run_keras(jobs: list[dict[str, Any]], backend: str = "torch") -> None:
    """Have real Keras do these jobs."""
    process = keras_process(backend)
    assert process.stdin is not None
    assert process.stdout is not None
    print(json.dumps(jobs), file=process.stdin, flush=True)
    answer = process.stdout.readline()
    if not answer:
        keras_process.cache_clear()
        raise AssertionError(f"Keras ended with {process.wait()}.")
    assert not (failed := json.loads(answer)), failed
