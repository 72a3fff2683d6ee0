"""Keras 2, in a process of its own, writes files of weights in the layout of the published ones.

pip install tensorflow-cpu tf-keras h5py
python tf_keras_files.py list KIND ...     how the weights of applications are listed in such files, as digests
python tf_keras_files.py write JOBS.json   weights.h5 and arrays.npz of each job (`kind`, `arguments`, `folder`)
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import sys
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def digest(listed: list[tuple[str, list[list[int]]]]) -> str:
    """A list of layers, each with the shapes of its weights, in short."""
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]


def listing(model: Any) -> list[tuple[str, list[list[int]]]]:
    """Layers with weights in the order of such a file, and the shapes in theirs."""
    return [
        (layer.name, [w.shape.as_list() for w in (*layer.trainable_weights, *layer.non_trainable_weights)])
        for layer in model.layers
        if layer.weights
    ]


def write(keras: Any, job: dict[str, Any]) -> None:
    """One model's weights and what it predicts."""
    import numpy as np

    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    from keras_models import images, shake

    folder = pathlib.Path(job["folder"])
    model = getattr(keras.applications, job["kind"])(**job["arguments"])
    shake(model)
    model.save_weights(folder / "weights.h5")
    x = images(tuple(model.input_shape[1:]))
    np.savez(folder / "arrays.npz", x=x, y=np.asarray(model(x, training=False)))


def main() -> None:
    """What the command line says."""
    import tf_keras as keras

    if sys.argv[1] == "write":
        for job in json.loads(pathlib.Path(sys.argv[2]).read_text()):
            keras.backend.clear_session()
            write(keras, job)
        return
    for kind in sys.argv[2:]:
        keras.backend.clear_session()
        with_top = listing(getattr(keras.applications, kind)(weights=None))
        keras.backend.clear_session()
        without = listing(getattr(keras.applications, kind)(weights=None, include_top=False))
        print(json.dumps({kind: [digest(with_top), digest(without)]}), flush=True)


if __name__ == "__main__":
    main()
