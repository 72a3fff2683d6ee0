"""The object codec: objects to JSON and back, by a closed table of classes.

The layout is that of Keras 3: `{"module", "class_name", "config", "registered_name"}` and a few marked values
(tensors, slices, tuples, dtypes). Decoding never imports, never looks up an attribute, never runs code of the file.
"""

from __future__ import annotations

import threading
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from lamina.core import registry
from lamina.core.limits import in_force
from lamina.core.sharing import Sharing, sharing
from lamina.errors import SerializationError, suggestion
from lamina.kernel import dtypes
from lamina.kernel.context import current, real_kernel, state
from lamina.kernel.symbolic import Symbolic

_open: threading.local = threading.local()


def serialize(obj: Any) -> Any:
    """`obj` in a form that JSON can hold.

    Raises:
        SerializationError: if there is no safe way to write it.
    """
    if state.sharing is None and not isinstance(obj, _PLAIN):
        with sharing():
            return _encode(obj)
    return _encode(obj)


_PLAIN = (str, bool, int, float, type(None))


def _encode(obj: Any) -> Any:
    if obj is None or isinstance(obj, str | bool | int | float):
        return obj
    if isinstance(obj, dict):
        with _inside(obj):
            return {_key(k): _encode(v) for k, v in obj.items()}
    if isinstance(obj, list):
        with _inside(obj):
            return [_encode(v) for v in obj]
    if isinstance(obj, tuple):
        items = [_encode(v) for v in obj]
        plain = all(isinstance(v, int | float | str | type(None)) for v in obj)
        return items if plain else {"class_name": "__tuple__", "items": items}
    if isinstance(obj, Symbolic):
        return _serialize_symbolic(obj)
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, slice):
        parts = {name: _encode(getattr(obj, name)) for name in ("start", "stop", "step")}
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


@contextmanager
def _inside(container: Any) -> Iterator[None]:
    """A list or dict that is being written: one that contains itself has no end.

    Raises:
        SerializationError: if it does.
    """
    held = _open.__dict__.setdefault("held", set())
    if id(container) in held:
        raise SerializationError(
            f"A {type(container).__name__} in the config contains itself: JSON cannot hold it. Leave it out in `get_config`."
        )
    held.add(id(container))
    try:
        yield
    finally:
        held.discard(id(container))


def config_value(value: Any) -> Any:
    """`value` as `get_config` gives it: serialized, with tuples of plain values still tuples, as Keras keeps them."""
    if isinstance(value, tuple) and _is_plain(value):
        return tuple(config_value(v) for v in value)
    return serialize(value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(v) for v in value)
    return isinstance(value, int | float | str | type(None))


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
    if registered is None:
        return str(function)
    if registered == "<lambda>":
        return serialize_lambda(function, registered)
    state.sharing.functions[registered] = function
    if ">" not in registered:
        return {
            "module": "builtins",
            "class_name": "function",
            "config": registered,
            "registered_name": "function",
        }
    return {"module": None, "class_name": "function", "config": registered, "registered_name": registered}


def serialize_lambda(function: Any, name: str) -> dict[str, Any]:
    """What stands for a lambda, whose code no file holds: the name by which the reader is asked for it."""
    with sharing() as met:
        return {"class_name": "__lambda__", "config": {"name": met.note_lambda(function, name)}}


def _serialize_object(obj: Any) -> dict[str, Any]:
    if not hasattr(type(obj), "from_config"):
        raise SerializationError(
            f"{type(obj).__name__} has `get_config`, but no `from_config`, so it could not be read back. Add to the class:\n"
            "    @classmethod\n    def from_config(cls, config): return cls(**config)"
        )
    found = registry.home(type(obj))
    if found is not None:
        module, name = found
        registered = None if not module.startswith("keras.src") else name
    else:
        module, name = type(obj).__module__, type(obj).__name__
        registered = registry.get_registered_name(type(obj))
        state.sharing.functions |= {name: type(obj), registered: type(obj)}
    out = {
        "module": module,
        "class_name": name,
        "config": _completed(obj.get_config()),
        "registered_name": registered,
    }
    build_config = getattr(obj, "get_build_config", None)
    if build_config is not None and (built := build_config()) is not None:
        out["build_config"] = _encode(built)
    holders_config = getattr(obj, "_holders_config", None)
    if holders_config is not None and (holders := holders_config()):
        out["holders"] = _encode(holders)
    compile_config = getattr(obj, "get_compile_config", None)
    if compile_config is not None and (compiled := compile_config()):
        out["compile_config"] = _encode(compiled)
    if getattr(type(obj), "_tracked_as", None) == "layer":
        state.sharing.note(obj, out)
    return out


def _completed(config: Any) -> Any:
    """What a `get_config` gave, with the objects that it left in it written, too; what is written stays the same dict."""
    if isinstance(config, dict):
        if state.sharing.knows(config):
            return config
        return {_key(k): _completed(v) for k, v in config.items()}
    if isinstance(
        config, list | tuple
    ):  # tuples of a graph's outputs, named or not, are lists in Keras's files
        items = [_completed(v) for v in config]
        if hasattr(config, "_fields"):
            return type(config)(*items)
        return tuple(items) if isinstance(config, tuple) else items
    return _encode(config)


def _serialize_class(cls: type) -> dict[str, Any]:
    found = registry.home(cls)
    module, name = found or (cls.__module__, cls.__name__)
    if found is None:
        state.sharing.functions[name] = cls
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
    with registry.custom_objects(custom_objects), sharing():
        try:
            return _decode(config, where, 0)
        except RecursionError:
            raise SerializationError(f"{where}: nested too deep.") from None
        except MissingNames as error:
            missing = names_missing(config)  # all of them: one after the other would take as many attempts
            if len(missing) > 1:
                raise MissingNames(_all_missing(where, missing)) from None
            if str(error).startswith(where):
                raise
            raise MissingNames(f"{where} > {error}") from None
        except SerializationError as error:  # raised deep inside: say which file
            if str(error).startswith(where):
                raise
            raise SerializationError(f"{where} > {error}") from error.__cause__


def check_depth(config: Any, where: str) -> None:
    """Compare how deep a file's config is nested with the budget, before anything is made of it.

    Raises:
        SerializationError: if it is deeper.
    """
    allowed = in_force().config_depth
    level, depth = [config], 0
    while level := [
        v
        for part in level
        for v in (part.values() if isinstance(part, dict) else part)
        if isinstance(v, dict | list)
    ]:
        depth += 1
        if depth > allowed:
            raise SerializationError(f"{where}: nested more than {allowed} levels deep.")


class MissingNames(SerializationError, TypeError):
    """A config that names classes or functions which are not in the table."""


def names_missing(config: Any) -> list[str]:
    """All names in a config that are not in the table, in the order of the config; nothing is made."""
    missing: dict[str, None] = {}
    waiting = [(config, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, dict):
            if (name := _unknown(value)) is not None:
                missing[name] = None
            value = list(value.values())
        if isinstance(value, list) and depth < in_force().config_depth:
            waiting.extend((v, depth + 1) for v in reversed(value) if isinstance(v, dict | list))
    return list(missing)


def _unknown(value: dict[str, Any]) -> str | None:
    """The name in one entry, if it is unknown."""
    name, module, registered = (value.get(k) for k in ("class_name", "module", "registered_name"))
    if not isinstance(name, str) or "config" not in value or name in _MARKED:
        return None
    module = module if isinstance(module, str) else None
    registered = registered if isinstance(registered, str) else None
    if str(module).startswith("keras.src.ops."):
        return None
    if name == "function":
        try:
            _function(value, "")
        except SerializationError:
            return str(value["config"])
        return None
    found = registry.find_class(module, name, registered, {})
    return (registered or name) if found is None else None


def _all_missing(where: str, names: list[str]) -> str:
    short = [n.split(">")[-1] for n in names]
    lines = "\n".join(
        f"  {name!r}:{suggestion(s, registry.known_names(), cutoff=0.75)} "
        f"@lamina.saving.register_keras_serializable({'' if '>' not in name else repr(name.split('>')[0])})"
        for name, s in zip(names, short, strict=True)
    )
    given = ", ".join(f"{name!r}: {s}" for name, s in zip(names, short, strict=True))
    return (
        f"{where}: these {len(names)} names are no classes or functions that a file may name. Put the line above each "
        f"definition before loading:\n{lines}\nor pass custom_objects={{{given}}}."
    )


def _decode(value: Any, where: str, depth: int) -> Any:
    if depth > in_force().config_depth:
        raise SerializationError(f"{where[:200]}...: nested more than {in_force().config_depth} levels deep.")
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


def _decode_lambda(value: dict[str, Any], where: str, depth: int) -> Any:
    config = value.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    return find_lambda(name if isinstance(name, str) else "<lambda>", where)


def find_lambda(name: str, where: str) -> Any:
    """The function that the caller gives for a lambda.

    Raises:
        SerializationError: if there is none under that name.
    """
    found = registry.get_registered_object(name)
    if found is None:
        raise SerializationError(
            f"{where}: a Python lambda belongs here, whose bytecode Lamina never writes to a file, nor runs from one. Pass the "
            f"function when loading: custom_objects={{{name!r}: function}}."
        )
    return found


_BARE = ("__tuple__", "__bytes__")
_MARKED: dict[str, Any] = {
    "__numpy__": _decode_array,
    "__tensor__": _decode_array,
    "__slice__": _decode_slice,
    "__tuple__": _decode_tuple,
    "__ellipsis__": lambda value, where, depth: Ellipsis,
    "__bytes__": lambda value, where, depth: str(value.get("value", "")).encode("latin-1"),
    "__lambda__": _decode_lambda,
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
    registered = value.get("registered_name")
    raise MissingNames(_missing(where, str(name), None if registered == "function" else registered))


def _object(value: dict[str, Any], where: str) -> Any:
    name, config = value["class_name"], value["config"]
    module, registered = value.get("module"), value.get("registered_name")
    if not isinstance(module, str | None) or not isinstance(registered, str | None):
        raise SerializationError(f"{where}: module and registered_name of {name!r} must be strings or null.")
    cls = registry.find_class(module, name, registered, {})
    if cls is None:
        raise MissingNames(_missing(where, name, value.get("registered_name")))
    if not isinstance(cls, type):
        if callable(cls):
            return cls
        raise SerializationError(f"{where}: {name!r} is not a class.")
    if not isinstance(config, dict):
        raise SerializationError(f"{where}: the config of {name} must be a dict, got {config!r:.80}.")
    label = f"{where} > {config.get('name', name)}"[:400]
    number, met = value.get("shared_object_id"), state.sharing or Sharing()
    shared = met.met_before(value, cls) if isinstance(number, int) else None
    if shared is not None:
        return shared
    try:
        obj = cls.from_config(dict(config))
        _restore(obj, value)
    except SerializationError:
        raise
    except RecursionError:
        raise SerializationError(f"{label}: nested too deep.") from None
    except (
        TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError, AssertionError, ZeroDivisionError,
        MemoryError, NotImplementedError, RuntimeError,
    ) as error:  # fmt: skip
        raise SerializationError(f"{label}: cannot make a {name} from its config: {error}") from error
    met.note_read(value, obj)
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
        f"{suggestion(name, registry.known_names(), cutoff=0.75)} If it is yours, pass custom_objects={{{key!r}: ...}} or put "
        "@lamina.saving.register_keras_serializable() above its definition before loading."
    )


def deserialize_arguments(config: dict[str, Any]) -> dict[str, Any]:
    """A config whose nested configs have become objects: what a constructor takes."""
    return {name: _decode(value, name, 0) for name, value in config.items()}
