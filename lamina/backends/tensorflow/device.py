"""Where tensors live, and the tf.Variable that a Variable is made of."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import tensorflow as tf

from lamina.backends.memory import is_aligned
from lamina.backends.tensorflow import dtensor
from lamina.backends.tensorflow.array import asarray, takes_memory
from lamina.kernel.contract import Placement


def variable(value: Any, dtype: str, trainable: bool, placement: Placement | None = None) -> Any:
    with tf.init_scope():  # a variable outlives the compiled function that may be making it
        if placement is not None:
            return dtensor.variable(value, dtype, placement, trainable)
        return tf.Variable(asarray(value, dtype), trainable=trainable, dtype=dtype)


def read(storage: Any) -> Any:
    if isinstance(storage, dtensor.DVariable):
        return dtensor.read(storage)
    return storage.value()


def write(storage: Any, value: Any) -> Any:
    if isinstance(storage, dtensor.DVariable):
        dtensor.write(storage, value)
        return storage
    if tf.distribute.has_strategy() and not tf.distribute.in_cross_replica_context():
        dtensor.refuse_replica()
    storage.assign(value, read_value=False)
    return storage


def holds_numbers(x: Any, /) -> bool:
    return isinstance(x, tf.Variable) or not tf.is_symbolic_tensor(x)


def device(name: str | None) -> Any:
    if name is None:
        return nullcontext()
    known = _own(None)
    kind, _, index = name.lower().partition(":")
    chosen = f"{kind}:{index or 0}"
    if chosen not in known:
        raise ValueError(f"No device {name!r}. TensorFlow sees: {', '.join(known)}.")
    return tf.device(chosen.upper())


def devices(kind: str | None) -> list[str]:
    of_all = dtensor.devices(kind)
    return _own(kind) if of_all is None else of_all


def _own(kind: str | None) -> list[str]:
    found = tf.config.list_logical_devices(None if kind is None else kind.upper())
    return [":".join(d.name.lower().split(":")[-2:]) for d in found]


def put(x: Any, dtype: str | None = None, placement: Placement | None = None, own: bool = False) -> Any:
    if placement is not None:
        return dtensor.placed(x, dtype, placement)
    if (
        own
        and isinstance(x, np.ndarray)
        and dtype in (None, x.dtype.name)
        and is_aligned(x)
        and takes_memory(x)
    ):
        return tf.experimental.dlpack.from_dlpack(x.__dlpack__())
    return asarray(x, dtype)


def copies_on_host() -> bool:
    return not tf.config.list_physical_devices("GPU")


def padded_size(rows: int) -> int:
    return rows


def to_default_device(xs: list) -> list:
    return xs


def wait(x: Any) -> None:
    if (
        dtensor.in_use()
    ):  # a program on several devices ends before its results are taken; others' devices cannot be asked
        return
    tf.test.experimental.sync_devices()


def seed(value: int) -> None:
    tf.random.set_seed(value)


def compile_cache(folder: Any) -> None:
    """TensorFlow traces graphs anew in each process: there is nothing to keep."""
