"""Where the modules of Keras, by their names of all ages, find what they hold.

A *place* is a module's path below `keras`. Its sources are modules of Lamina, asked in this order.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from types import ModuleType

VERSION = "3.15.0"  # whose interface Lamina has
_ROOTS = ("tensorflow.keras", "tensorflow.compat.v1.keras", "tensorflow.compat.v2.keras", "tf_keras", "keras")
# The same modules under a second name.
_INNER = ("_tf_keras.keras", "api", "api._v1.keras", "api._v2.keras", "_legacy.engine")

_LAYERS = "layers legacy.layers"
_TABLE = {
    "": "legacy.root ",
    "_tf_keras": "legacy.nothing",
    "backend": "legacy.backend backend",
    "distribution": "distribution",
    "layers": "legacy.layers layers",
    "models": "legacy.models models",
    "utils": "utils legacy.utils",
    "objectives": "losses legacy.losses",
    "losses": "losses legacy.losses",
    "initializers": "initializers legacy.initializers",
    "initializations": "initializers legacy.initializers",
    "regularizers": "legacy.regularizers regularizers",
    "constraints": "constraints legacy.constraints",
    "activations": "activations",
    "preprocessing": "legacy.preprocessing",
    "preprocessing.sequence": "legacy.sequence",
    "preprocessing.text": "legacy.text",
    "preprocessing.image": "legacy.image",
    "wrappers": "legacy.wrappers wrappers",
    "wrappers.scikit_learn": "legacy.wrappers",
    "legacy": "legacy",
    "legacy.layers": "legacy.layers",
    "legacy.interfaces": "legacy.nothing",
    "legacy.saving": "legacy.saving saving",
    "engine": "legacy.engine",
    **dict.fromkeys(
        ("engine.topology", "engine.base_layer", "engine.training", "engine.network", "engine.sequential",
         "engine.functional", "engine.input_layer", "engine.input_spec", "engine.node", "engine.keras_tensor",
         "engine.data_adapter"),
        "legacy.engine",
    ),
    **dict.fromkeys(
        ("layers.core", "layers.convolutional", "layers.merge", "layers.recurrent", "layers.normalization",
         "layers.advanced_activations", "layers.embeddings", "layers.wrappers", "layers.noise", "layers.local",
         "layers.pooling", "layers.convolutional_recurrent", "layers.cudnn_recurrent", "layers.experimental",
         "layers.experimental.preprocessing", "layers.preprocessing", "layers.legacy", "layers.attention",
         "layers.activation", "layers.reshaping", "layers.regularization", "layers.rnn", "layers.merging",
         "layers.core.dense", "layers.core.embedding", "layers.core.lambda_layer"),
        "layers legacy.layers legacy.src",
    ),
    **dict.fromkeys(("layers.core.einsum_dense", "layers.attention.multi_head_attention"),
                    "layers legacy.equations legacy.src"),
    **dict.fromkeys(
        ("utils.np_utils", "utils.vis_utils", "utils.generic_utils", "utils.data_utils", "utils.layer_utils",
         "utils.conv_utils", "utils.io_utils", "utils.tf_utils", "utils.visualize_util"),
        "utils legacy.utils",
    ),
    **dict.fromkeys(("backend.tensorflow_backend", "backend.theano_backend", "backend.common", "backend.config"),
                    "legacy.backend backend legacy.src"),
    "legacy.backend": "legacy.backend",
    "models.sequential": "legacy.models models", "models.model": "legacy.models models", "models.functional": "models",
    "optimizers.legacy": "optimizers.legacy", "optimizers.schedules": "optimizers.schedules",
    "optimizers.experimental": "optimizers", "optimizer_v2": "optimizers",
    "mixed_precision.experimental": "mixed_precision legacy.mixed",
    "saving.serialization_lib": "saving legacy.src", "saving.saving_lib": "legacy.saving_lib legacy.h5_store saving legacy.src",
    "saving.saving_api": "saving legacy.src", "saving.object_registration": "saving",
}  # fmt: skip
# `keras.src.<path>` of Keras 3, where the table above does not say it: the finite list that packages import.
_SOURCE = {
    "": "legacy.root ",
    "backend": "legacy.src backend ops legacy.backend",
    **dict.fromkeys(
        ("backend.core", "backend.numpy", "backend.nn", "backend.math", "backend.linalg", "backend.image"),
        "ops",
    ),
    "backend.random": "random",
    "backend.config": "backend config",
    "backend.jax.random": "legacy.src",
    "backend.common": "legacy.src backend",
    "backend.common.variables": "legacy.src",
    "backend.common.keras_tensor": "legacy.src",
    "backend.common.stateless_scope": "legacy.src",
    "backend.common.name_scope": "legacy.src",
    "callbacks.callback": "callbacks",
    "callbacks.history": "callbacks",
    "layers.layer": "layers",
    "layers.input_spec": "layers",
    "layers.convolutional.base_conv": "legacy.src",
    "layers.convolutional.base_depthwise_conv": "legacy.src",
    "layers.convolutional.base_separable_conv": "legacy.src",
    "layers.merging.base_merge": "legacy.src",
    "layers.pooling.base_pooling": "legacy.src",
    "layers.pooling.base_global_pooling": "legacy.src",
    "layers.rnn.simple_rnn": "layers",
    "layers.rnn.rnn": "layers",
    "layers.rnn.lstm": "layers",
    "layers.rnn.gru": "layers",
    "losses.losses": "losses legacy.src",
    "losses.loss": "losses legacy.src",
    "metrics.metric": "metrics",
    "optimizers.optimizer": "optimizers",
    "ops.operation": "legacy.src",
    "ops.numpy": "ops legacy.classes",
    "ops.image": "ops.image legacy.classes",
    **dict.fromkeys(("ops.core", "ops.nn", "ops.math", "ops.linalg"), "ops legacy.classes"),
    "ops.operation_utils": "legacy.src",
    "ops.node": "legacy.engine",
    "ops.function": "legacy.src",
    "ops.symbolic_arguments": "legacy.src",
    "distribution.distribution_lib": "distribution",
    "legacy.saving.legacy_h5_format": "legacy.src",
    "testing": "legacy.src",
    "testing.test_case": "legacy.src",
    "tree": "tree",
    "trainers.trainer": "legacy.src",
    "trainers.data_adapters": "legacy.src",
    "trainers.data_adapters.data_adapter_utils": "utils legacy.src",
    "utils.backend_utils": "legacy.src",
    "utils.tracking": "legacy.src",
    "utils.naming": "legacy.src",
    "utils.module_utils": "legacy.src",
    "api_export": "legacy.export",
    "version": "legacy.root",
}


def place(module: str) -> str | None:
    """A module's path below `keras`; None if it does not belong to Keras.

    `keras.api.layers`, `keras._tf_keras.keras.layers` and `tensorflow.keras.layers` are "layers".
    """
    for root in _ROOTS:
        if module == root or module.startswith(root + "."):
            below = module[len(root) + 1 :]
            for inner in _INNER:
                if below == inner or below.startswith(inner + "."):
                    return below[len(inner) + 1 :]
            return below
    return None


def is_keras(module: str) -> bool:
    """Whether a module is one of Keras's, or stands in for the parent of one."""
    import sys

    return place(module) is not None or type(sys.modules.get(module)).__name__ == "Absent"


@functools.cache
def sources(path: str) -> tuple[str, ...]:
    """The modules of Lamina where the names of a place are looked up; none if there is no such module."""
    if path in _TABLE:
        written = _TABLE[path].split(" ")
    elif path == "src" or path.startswith("src."):
        below = path[4:]
        if below in _SOURCE:
            written = _SOURCE[below].split(" ")
        elif found := sources(below):
            return found
        else:
            inside = any(known.startswith(below + ".") for known in _SOURCE)
            written = ["legacy.nothing"] if inside else []
    else:
        written = [path]
    return tuple(s for s in (f"lamina.{w}".rstrip(".") for w in written) if _exists(s))


def _exists(module: str) -> bool:
    parent = module.rpartition(".")[0]
    if parent not in ("", "lamina") and not _exists(parent):
        return False
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # its parent is a file
        return False


def load(source: str) -> ModuleType:
    """A module of Lamina."""
    return importlib.import_module(source)
