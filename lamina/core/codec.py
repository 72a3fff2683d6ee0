"""The object codec: objects to JSON and back, by a closed table of classes.

The layout is that of Keras 3: `{"module", "class_name", "config", "registered_name"}` and a few marked values
(tensors, slices, tuples, dtypes). Decoding never imports, never looks up an attribute, never runs code of the file.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from lamina.core import registry
from lamina.errors import SerializationError, suggestion
from lamina.kernel import dtypes
from lamina.kernel.context import current, real_kernel
from lamina.kernel.symbolic import Symbolic

MAX_DEPTH = 200  # deeper than any real model; far below Python's recursion limit


def serialize(obj: Any) -> Any:
    """`obj` in a form that JSON can hold.

    Raises:
        SerializationError: if there is no safe way to write it.
    """
    if obj is None or isinstance(obj, str | bool | int | float):
        return obj
    if isinstance(obj, dict):
        return {_key(k): serialize(v) for k, v in obj.items()}
    if isinstance(obj, list):
        return [serialize(v) for v in obj]
    if isinstance(obj, tuple):
        items = [serialize(v) for v in obj]
        plain = all(isinstance(v, int | float | str | type(None)) for v in obj)
        return items if plain else {"class_name": "__tuple__", "items": items}
    if isinstance(obj, Symbolic):
        return _serialize_symbolic(obj)
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, slice):
        parts = {name: serialize(getattr(obj, name)) for name in ("start", "stop", "step")}
        return {"class_name": "__slice__", "config": parts}
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "value": obj.decode("latin-1")}
    if isinstance(obj, types.FunctionType | types.BuiltinFunctionType | types.MethodType) or hasattr(
        obj, "op"
    ):
        return _serialize_function(obj)
    if hasattr(obj, "get_config"):
        return _serialize_object(obj)
    if hasattr(obj, "shape") and hasattr(obj, "dtype"):
        return _serialize_array(obj)
    if isinstance(obj, np.dtype):
        return obj.name
    if isinstance(obj, type):
        return _serialize_class(obj)
    raise SerializationError(
        f"Cannot write {obj!r} ({type(obj).__name__}) into a config. Use numbers, strings, lists, dicts, arrays, or "
        "an object with `get_config` and `from_config`."
    )


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise SerializationError(f"A config's keys must be strings, got {key!r}.")
    return key


def _serialize_symbolic(x: Any) -> dict[str, Any]:
    operation, node, tensor = x._keras_history
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": list(x.shape), "dtype": x.dtype, "keras_history": [operation.name, node, tensor]},
    }


def _serialize_array(x: Any) -> dict[str, Any]:
    array = x if isinstance(x, np.ndarray) else real_kernel().to_numpy(getattr(x, "value", x))
    kind = "__numpy__" if isinstance(x, np.ndarray) else "__tensor__"
    return {"class_name": kind, "config": {"value": array.tolist(), "dtype": array.dtype.name}}


def _serialize_function(function: Any) -> Any:
    for (_, name), known in registry.functions().items():
        if known is function:
            return name
    registered = registry.get_registered_name(function) if hasattr(function, "__name__") else None
    if registered is None or getattr(function, "__name__", "") == "<lambda>":
        return {"class_name": "__lambda__", "config": {}} if registered else str(function)
    if ">" not in registered:
        return {
            "module": "builtins",
            "class_name": "function",
            "config": registered,
            "registered_name": "function",
        }
    return {"module": None, "class_name": "function", "config": registered, "registered_name": registered}


def _serialize_object(obj: Any) -> dict[str, Any]:
    found = registry.home(type(obj))
    if found is not None:
        module, name = found
        registered = None if not module.startswith("keras.src") else name
    else:
        module, name = type(obj).__module__, type(obj).__name__
        registered = registry.get_registered_name(type(obj))
        registered = name if registered is None else registered
    out = {"module": module, "class_name": name, "config": obj.get_config(), "registered_name": registered}
    build_config = getattr(obj, "get_build_config", None)
    if build_config is not None and (built := build_config()) is not None:
        out["build_config"] = serialize(built)
    holders_config = getattr(obj, "_holders_config", None)
    if holders_config is not None and (holders := holders_config()):
        out["holders"] = serialize(holders)
    compile_config = getattr(obj, "get_compile_config", None)
    if compile_config is not None and (compiled := compile_config()):
        out["compile_config"] = serialize(compiled)
    return out


def _serialize_class(cls: type) -> dict[str, Any]:
    found = registry.home(cls)
    module, name = found or (cls.__module__, cls.__name__)
    return {"module": module, "class_name": name, "registered_name": registry.get_registered_name(cls)}


# -- reading -----------------------------------------------------------------------------------------------------------


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None, *, where: str = "config") -> Any:
    """The object that `config` describes.

    Args:
        config: What `serialize` gave, or the same from a Keras file.
        custom_objects: Name -> class or function, for this call only.
        where: The place in the file, for errors.

    Raises:
        SerializationError: if a name is not in the table, or the layout is not that of a config.
    """
    with registry.custom_objects(custom_objects):
        try:
            return _decode(config, where, 0)
        except SerializationError as error:  # raised deep inside: say which file
            if str(error).startswith(where):
                raise
            raise SerializationError(f"{where} > {error}") from error.__cause__


def _decode(value: Any, where: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise SerializationError(f"{where[:200]}...: nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, list):
        return [_decode(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value or ("config" not in value and value["class_name"] not in _BARE):
        return {k: _decode(v, f"{where}.{k}", depth + 1) for k, v in value.items()}
    name = value["class_name"]
    if not isinstance(name, str):
        raise SerializationError(f"{where}: class_name must be a string, got {type(name).__name__}.")
    if name in _MARKED:
        return _MARKED[name](value, where, depth)
    if name == "function":
        return _function(value, where)
    return _object(value, where)


def _config(value: dict[str, Any], where: str) -> dict[str, Any]:
    config = value.get("config")
    if not isinstance(config, dict):
        raise SerializationError(
            f"{where}: the config of {value['class_name']} must be a dict, got {config!r:.80}."
        )
    return config


def _decode_array(value: dict[str, Any], where: str, depth: int) -> Any:
    config = _config(value, where)
    try:
        array = np.asarray(config["value"])
        if array.dtype == object:
            raise ValueError("ragged")
        dtype = dtypes.standardize(config["dtype"])
        if dtype == "string":
            return array
        if dtype in ("bfloat16", *dtypes.FLOAT8):
            import ml_dtypes

            array = array.astype(getattr(ml_dtypes, dtype))
        else:
            array = array.astype(dtype)
    except (KeyError, ValueError, TypeError) as error:
        raise SerializationError(f"{where}: not an array: {error}.") from None
    return array if value["class_name"] == "__numpy__" else current().asarray(array)


def _decode_slice(value: dict[str, Any], where: str, depth: int) -> slice:
    config = _config(value, where)
    parts = [_decode(config.get(name), where, depth + 1) for name in ("start", "stop", "step")]
    if any(p is not None and not isinstance(p, int) for p in parts):
        raise SerializationError(f"{where}: a slice takes integers, got {parts!r:.80}.")
    return slice(*parts)


def _decode_tuple(value: dict[str, Any], where: str, depth: int) -> tuple:
    items = value.get(
        "items", value.get("config", {}).get("items") if isinstance(value.get("config"), dict) else None
    )
    if not isinstance(items, list):
        raise SerializationError(f"{where}: a tuple needs a list of items.")
    return tuple(_decode(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(items))


def _refuse_lambda(value: dict[str, Any], where: str, depth: int) -> Any:
    raise SerializationError(
        f"{where}: the file holds a lambda as Python bytecode. Lamina never runs code from a file: pass the function "
        "with custom_objects={'name': function}, or register it with @lamina.saving.register_keras_serializable()."
    )


_BARE = ("__tuple__", "__bytes__")
_MARKED: dict[str, Any] = {
    "__numpy__": _decode_array,
    "__tensor__": _decode_array,
    "__slice__": _decode_slice,
    "__tuple__": _decode_tuple,
    "__ellipsis__": lambda value, where, depth: Ellipsis,
    "__bytes__": lambda value, where, depth: str(value.get("value", "")).encode("latin-1"),
    "__lambda__": _refuse_lambda,
    "__keras_tensor__": lambda value, where, depth: value,  # the graph's own reader resolves these
}


def _function(value: dict[str, Any], where: str) -> Any:
    name = value.get("config")
    if not isinstance(name, str):
        name = value.get("registered_name")
    short = str(name).split(">")[-1]
    for key in (value.get("registered_name"), name, short):
        found = registry.get_registered_object(key) if isinstance(key, str) and key != "function" else None
        if found is not None:
            return found
    module = str(value.get("module"))
    for (space, known), thing in registry.functions().items():
        if known == short and (module.startswith((space, "builtins", "keras")) or module == "None"):
            return thing
    raise SerializationError(_missing(where, str(name), value.get("registered_name")))


def _object(value: dict[str, Any], where: str) -> Any:
    name, config = value["class_name"], value["config"]
    cls = registry.find_class(value.get("module"), name, value.get("registered_name"), {})
    if cls is None:
        raise SerializationError(_missing(where, name, value.get("registered_name")))
    if not isinstance(cls, type):
        if callable(cls):
            return cls
        raise SerializationError(f"{where}: {name!r} is not a class.")
    if not isinstance(config, dict):
        raise SerializationError(f"{where}: the config of {name} must be a dict, got {config!r:.80}.")
    label = f"{where} > {config.get('name', name)}"[:400]
    try:
        obj = cls.from_config(dict(config))
        _restore(obj, value)
    except SerializationError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise SerializationError(f"{label}: cannot make a {name} from its config: {error}") from error
    return obj


def _restore(obj: Any, value: dict[str, Any]) -> None:
    build_config = value.get("build_config")
    if (
        isinstance(build_config, dict)
        and hasattr(obj, "build_from_config")
        and not getattr(obj, "built", True)
    ):
        obj.build_from_config(build_config)
    if "holders" in value and hasattr(obj, "_put_holders"):
        obj._put_holders(value["holders"])
    compile_config = value.get("compile_config")
    if isinstance(compile_config, dict) and hasattr(obj, "compile_from_config"):
        obj.compile_from_config(compile_config)


def _missing(where: str, name: str, registered: Any) -> str:
    key = registered if isinstance(registered, str) and registered else name
    return (
        f"{where}: {key!r} is not a class or function that a file may name."
        f"{suggestion(name, registry.known_names())} If it is yours, pass custom_objects={{{key!r}: ...}} or put "
        "@lamina.saving.register_keras_serializable() above its definition before loading."
    )


def deserialize_arguments(config: dict[str, Any]) -> dict[str, Any]:
    """A config whose nested configs have become objects: what a constructor takes."""
    return {name: _decode(value, name, 0) for name, value in config.items()}
