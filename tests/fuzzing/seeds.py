"""The valid files that are mutated: small ones of every kind, written by Lamina or, as fixtures, by Keras 1 to 3."""

from __future__ import annotations

import json
import pathlib
import sys
import tempfile
import warnings
from typing import Any, NamedTuple

import lamina
from lamina import layers
from lamina.core import codec

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"


class Seed(NamedTuple):
    """A valid input.

    Fields:
        kind: How it is loaded: "model", "weights" or "json".
        main: The file or folder that is given to the loader.
        files: Bytes by path, below one folder.
        target: The name of the model that weights go into.
    """

    kind: str
    main: str
    files: dict[str, bytes]
    target: str = ""


def nested() -> Any:
    """A model in a model, a wrapper, a regularizer, compiled with state."""
    a = lamina.Input((4,), name="a")
    inner = lamina.Sequential(
        [lamina.Input((4,)), layers.Dense(3), layers.BatchNormalization()], name="inner"
    )
    x = layers.Reshape((3, 1))(inner(a))
    x = layers.Bidirectional(layers.GRU(2), name="both")(x)
    out = layers.Dense(2, activation="relu", kernel_regularizer="l2", name="out")(x)
    model = lamina.Model(a, out, name="f")
    model.compile("adam", "mse", metrics=["mae"])
    model.optimizer.build(model.trainable_variables)
    return model


def tables() -> Any:
    """Vocabularies, which lie in assets."""
    text = layers.TextVectorization(output_sequence_length=3, name="text")
    text.adapt(["a b c a"])
    words = lamina.Input((1,), dtype="string", name="words")
    return lamina.Model(words, layers.Dense(2, name="head")(layers.Embedding(5, 2)(text(words))), name="t")


def images() -> Any:
    """Convolutions, augmentation, a policy map, an optimizer that reads patterns, a schedule."""
    policies = lamina.dtype_policies.DTypePolicyMap(default_policy="float32")
    policies["conv.*"] = lamina.dtype_policies.DTypePolicy("mixed_float16")
    model = lamina.Sequential(
        [
            lamina.Input((8, 8, 3)),
            layers.RandomFlip(seed=1),
            layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1, 1, 1]),
            layers.Conv2D(2, 3, dtype=policies, name="conv"),
            layers.DepthwiseConv2D(2, padding="same"),
            layers.PReLU(shared_axes=[1, 2]),
            layers.GlobalAveragePooling2D(),
            layers.Dense(
                2, kernel_constraint="unit_norm", kernel_initializer=lamina.initializers.Orthogonal()
            ),
        ],
        name="i",
    )
    rate = lamina.optimizers.schedules.PiecewiseConstantDecay([3, 5], [1.0, 0.5, 0.1])
    model.compile(lamina.optimizers.Muon(rate, exclude_layers=["conv.*"]), lamina.losses.Huber(0.5))
    return model


def graph() -> Any:
    """Operations in the graph, several inputs and outputs by name, attention, shared layers."""
    a, b = lamina.Input((5, 4), name="a"), lamina.Input((5, 4), name="b")
    shared = layers.TimeDistributed(layers.Dense(4), name="each")
    x = layers.MultiHeadAttention(2, 2, name="heads")(shared(a), shared(b))
    x = lamina.ops.concatenate([x * 2.0, lamina.ops.relu(a)], axis=-1)[:, 1:3]
    outputs = {
        "left": layers.RNN([layers.LSTMCell(2), layers.GRUCell(2)], name="cells")(x),
        "right": layers.LayerNormalization(name="norm")(layers.Add(name="add")([a, b])),
    }
    model = lamina.Model({"a": a, "b": b}, outputs, name="g")
    model.compile(
        "sgd",
        {"left": "mse", "right": "mae"},
        loss_weights={"left": 1.0, "right": 0.5},
        metrics={"left": ["mae"]},
    )
    return model


MODELS = {"f": nested, "t": tables, "i": images, "g": graph}


def _read(folder: pathlib.Path, main: str) -> dict[str, bytes]:
    path = folder / main
    if path.is_dir():
        return {
            p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()
        }
    stem = main.removesuffix(".weights.json")
    found = [path] if stem == main else [path, *sorted(folder.glob(f"{stem}_0*.weights.h5"))]
    return {p.name: p.read_bytes() for p in found}


def seeds() -> tuple[dict[str, Seed], dict[str, Any]]:
    """Valid inputs by name, and the models that weights go into."""
    out: dict[str, Seed] = {}
    targets = {name: make() for name, make in MODELS.items()}
    with tempfile.TemporaryDirectory() as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = pathlib.Path(made)
        for name, model in targets.items():
            _of_model(folder, name, model, out)
    for path in sorted(FIXTURES.glob("*.h5")):
        if not path.name.startswith("keras3_shards"):
            kind = "weights" if path.stem.endswith("_weights") else "model"
            out[path.name] = Seed(kind, path.name, {path.name: path.read_bytes()}, "f")
    fixture = FIXTURES / "keras3_functional.keras"
    out[fixture.name] = Seed("model", fixture.name, {fixture.name: fixture.read_bytes()})
    return out, targets


def _of_model(folder: pathlib.Path, name: str, model: Any, out: dict[str, Seed]) -> None:
    model.save(folder / f"{name}.keras")
    model.save(folder / f"{name}_folder", zipped=False)
    mains = {f"{name}.keras": "model", f"{name}_folder": "model"}
    if name != "g":  # operations do not go into the format of the past
        model.save(folder / f"{name}.h5")
        mains[f"{name}.h5"] = "model"
    for ending in ("weights.h5", "safetensors", "npz"):
        model.save_weights(folder / f"{name}.{ending}")
        mains[f"{name}.{ending}"] = "weights"
    model.save_weights(folder / f"{name}_parts.weights.json", max_shard_size=60 / 2**30)
    mains[f"{name}_parts.weights.json"] = "weights"
    for main, kind in mains.items():
        out[main] = Seed(kind, main, _read(folder, main), name)
    out[f"{name}.json"] = Seed("json", f"{name}.json", {f"{name}.json": model.to_json().encode()})


def parts() -> list[dict[str, Any]]:
    """Configs of everything that a file may name: a mutation puts them where others were."""
    sys.path.insert(0, str(FIXTURES.parent))
    import catalog  # pyright: ignore[reportMissingImports]

    made: list[Any] = []
    for entry in catalog.LAYERS:
        try:
            made.append(getattr(layers, entry.name)(**entry.kwargs))
        except (TypeError, ValueError):
            continue  # what must be given more
    out = [config for thing in made if (config := _config(thing)) is not None]
    spaces = (
        "initializers",
        "regularizers",
        "constraints",
        "losses",
        "metrics",
        "optimizers",
        "dtype_policies",
    )
    for space in spaces:
        module = getattr(lamina, space)
        for name in module.__all__:
            cls = getattr(module, name)
            if isinstance(cls, type) and hasattr(cls, "from_config"):
                out.append(
                    {
                        "module": f"keras.{space}",
                        "class_name": name,
                        "config": _arguments(cls),
                        "registered_name": None,
                    }
                )
    return out


def _config(thing: Any) -> dict[str, Any] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return json.loads(json.dumps(codec.serialize(thing)))
    except (ValueError, TypeError):
        return None


def _arguments(cls: type) -> dict[str, Any]:
    """The config of an object that is made without arguments; nothing where it needs some."""
    try:
        return json.loads(json.dumps(cls().get_config()))  # type: ignore[attr-defined]
    except Exception:  # abstract ones, and those that need arguments, are mutated into all the same
        return {}
