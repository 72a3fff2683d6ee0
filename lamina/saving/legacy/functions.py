"""Functions of TensorFlow that stand in graphs of Keras 2 (`TFOpLambda`, `SlicingOpLambda`), as operations of today.

A closed table by the function's name; nothing is looked up in TensorFlow. What a function takes goes into the call under
the name that it has today; an argument that means something and has no such name is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from lamina.errors import SerializationError
from lamina.saving.legacy import nodes

CLASSES = ("TFOpLambda", "SlicingOpLambda")


class Rule(NamedTuple):
    """What becomes of a function.

    Attributes:
        operation: The class of the operation.
        names: Argument of TensorFlow -> argument of the operation, besides the first one.
        fixed: Arguments of the operation where the function has another default, or none.
        change: Changes the arguments once they have their names of today; gives None to refuse.
    """

    operation: str
    names: dict[str, str] = {}
    fixed: dict[str, Any] = {}
    change: Callable[[dict[str, Any]], dict[str, Any] | None] | None = None


def _split(arguments: dict[str, Any]) -> dict[str, Any]:
    """Sizes of the parts become the places between them."""
    sizes = arguments["indices_or_sections"]
    if isinstance(sizes, list):
        places = [sum(sizes[: i + 1]) for i in range(len(sizes) - 1)]
        return {**arguments, "indices_or_sections": places}
    return arguments


def _norm(arguments: dict[str, Any]) -> dict[str, Any] | None:
    order = arguments.pop("ord", None)
    return arguments if order in (None, "euclidean", 2) else None


def _pad(arguments: dict[str, Any]) -> dict[str, Any]:
    mode = str(arguments.pop("mode", "CONSTANT")).lower()
    value = arguments.pop("constant_values", 0)
    return {**arguments, "mode": mode, **({"constant_values": value} if mode == "constant" else {})}


def _slice(arguments: dict[str, Any]) -> dict[str, Any]:
    parts = zip(arguments["begin"], arguments["size"], strict=True)
    return {"key": [_span(start, None if size == -1 else start + size, None) for start, size in parts]}


def _key(arguments: dict[str, Any]) -> dict[str, Any]:
    spec = arguments["slice_spec"]
    return {"key": [_index(one) for one in (spec if isinstance(spec, list) else [spec])]}


def _index(one: Any) -> Any:
    if isinstance(one, dict) and one.get("class_name") == "__ellipsis__":
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(one, dict) and {"start", "stop", "step"} >= set(one):
        return _span(one.get("start"), one.get("stop"), one.get("step"))
    return one


def _span(start: Any, stop: Any, step: Any) -> dict[str, Any]:
    return {"class_name": "__slice__", "config": {"start": start, "stop": stop, "step": step}}


def _gather(arguments: dict[str, Any]) -> dict[str, Any] | None:
    return None if arguments.pop("batch_dims", 0) else {"axis": 0, **arguments}


def _product(arguments: dict[str, Any]) -> dict[str, Any]:
    """With a transposed side it is a sum over other axes."""
    flags = [bool(arguments.pop(name, False)) for name in ("transpose_a", "transpose_b")]
    if not any(flags):
        return arguments
    left, right = "...ki" if flags[0] else "...ik", "...jk" if flags[1] else "...kj"
    return {**arguments, "subscripts": f"{left},{right}->...ij"}


def _window(arguments: dict[str, Any]) -> dict[str, Any]:
    return {**arguments, "padding": str(arguments["padding"]).lower()}


_UNARY = {
    "math.exp": "Exp", "math.log": "Log", "math.sqrt": "Sqrt", "math.square": "Square", "math.abs": "Absolute",
    "math.negative": "Negative", "math.tanh": "Tanh", "math.sin": "Sin", "math.cos": "Cos", "math.tan": "Tan",
    "math.sigmoid": "Sigmoid", "math.sign": "Sign", "math.round": "Round", "math.floor": "Floor", "math.ceil": "Ceil",
    "math.rsqrt": "Rsqrt", "math.erf": "Erf", "math.softplus": "Softplus", "math.reciprocal": "Reciprocal",
    "math.log1p": "Log1p", "math.expm1": "Expm1", "math.sinh": "Sinh", "math.cosh": "Cosh", "math.atan": "Arctan",
    "math.log_sigmoid": "LogSigmoid", "math.is_nan": "Isnan", "math.logical_not": "LogicalNot", "nn.relu": "Relu",
    "nn.relu6": "Relu6", "nn.silu": "Silu", "nn.elu": "Elu", "nn.selu": "Selu", "nn.softsign": "Softsign",
    "stop_gradient": "StopGradient", "zeros_like": "ZerosLike", "ones_like": "OnesLike",
}  # fmt: skip
_BINARY = {
    "__operators__.add": "Add", "math.add": "Add", "math.subtract": "Subtract", "math.multiply": "Multiply",
    "math.truediv": "TrueDivide", "math.divide": "TrueDivide", "math.pow": "Power", "math.maximum": "Maximum",
    "math.minimum": "Minimum", "compat.v1.floor_div": "FloorDivide", "math.floordiv": "FloorDivide",
    "math.floormod": "Mod", "math.greater": "Greater", "math.greater_equal": "GreaterEqual", "math.less": "Less",
    "math.less_equal": "LessEqual", "math.equal": "Equal", "math.not_equal": "NotEqual",
    "__operators__.eq": "Equal", "__operators__.ne": "NotEqual", "math.logical_and": "LogicalAnd",
    "math.logical_or": "LogicalOr", "math.atan2": "Arctan2", "math.divide_no_nan": "DivideNoNan",
}  # fmt: skip
_REDUCTIONS = {
    "math.reduce_mean": "Mean", "math.reduce_sum": "Sum", "math.reduce_max": "Max", "math.reduce_min": "Min",
    "math.reduce_prod": "Prod", "math.reduce_any": "Any", "math.reduce_all": "All", "math.reduce_logsumexp": "Logsumexp",
    "math.reduce_std": "Std", "math.reduce_variance": "Var",
}  # fmt: skip
_AXES = {"axis": "axis", "keepdims": "keepdims"}
_POOLING = Rule(
    "MaxPool", {"ksize": "pool_size", "strides": "strides", "padding": "padding"}, {"data_format": "channels_last"}, _window
)  # fmt: skip
_RULES: dict[str, Rule] = {
    **{name: Rule(operation) for name, operation in _UNARY.items()},
    **{name: Rule(operation, {"y": "x2"}) for name, operation in _BINARY.items()},
    **{name: Rule(operation, _AXES) for name, operation in _REDUCTIONS.items()},
    "math.argmax": Rule("Argmax", {"axis": "axis"}, {"axis": 0}),
    "math.argmin": Rule("Argmin", {"axis": "axis"}, {"axis": 0}),
    "math.cumsum": Rule("Cumsum", {"axis": "axis"}, {"axis": 0}),
    "math.l2_normalize": Rule("Normalize", {"axis": "axis"}, {"axis": None, "order": 2, "epsilon": 1e-12}),
    "compat.v1.norm": Rule("Norm", {"ord": "ord", **_AXES}, {}, _norm),
    "linalg.matmul": Rule("Matmul", {"b": "x2", "transpose_a": "transpose_a", "transpose_b": "transpose_b"}, {}, _product),
    "nn.softmax": Rule("Softmax", {"axis": "axis"}, {"axis": -1}),
    "nn.log_softmax": Rule("LogSoftmax", {"axis": "axis"}, {"axis": -1}),
    "nn.gelu": Rule("Gelu", {"approximate": "approximate"}, {"approximate": False}),
    "nn.leaky_relu": Rule("LeakyRelu", {"alpha": "negative_slope"}, {"negative_slope": 0.2}),
    "nn.bias_add": Rule("Add", {"bias": "x2"}),
    "nn.max_pool2d": _POOLING,
    "nn.avg_pool2d": _POOLING._replace(operation="AveragePool"),
    "nn.space_to_depth": Rule("SpaceToDepth", {"block_size": "block_size"}, {"data_format": "channels_last"}),
    "nn.depth_to_space": Rule("DepthToSpace", {"block_size": "block_size"}, {"data_format": "channels_last"}),
    "image.resize": Rule(
        "Resize", {"size": "size", "method": "interpolation", "antialias": "antialias"}, {"data_format": "channels_last"}
    ),
    "reshape": Rule("Reshape", {"shape": "newshape"}),
    "concat": Rule("Concatenate", {"axis": "axis"}),
    "stack": Rule("Stack", {"axis": "axis"}),
    "unstack": Rule("Unstack", {"axis": "axis"}, {"axis": 0}),
    "split": Rule("Split", {"num_or_size_splits": "indices_or_sections", "axis": "axis"}, {"axis": 0}, _split),
    "cast": Rule("Cast", {"dtype": "dtype"}),
    "expand_dims": Rule("ExpandDims", {"axis": "axis"}),
    "compat.v1.squeeze": Rule("Squeeze", {"axis": "axis"}),
    "squeeze": Rule("Squeeze", {"axis": "axis"}),
    "compat.v1.transpose": Rule("Transpose", {"perm": "axes"}),
    "transpose": Rule("Transpose", {"perm": "axes"}),
    "tile": Rule("Tile", {"multiples": "repeats"}),
    "repeat": Rule("Repeat", {"repeats": "repeats", "axis": "axis"}),
    "reverse": Rule("Flip", {"axis": "axis"}),
    "broadcast_to": Rule("BroadcastTo", {"shape": "shape"}),
    "compat.v1.pad": Rule("Pad", {"paddings": "pad_width", "mode": "mode", "constant_values": "constant_values"}, {}, _pad),
    "pad": Rule("Pad", {"paddings": "pad_width", "mode": "mode", "constant_values": "constant_values"}, {}, _pad),
    "compat.v1.gather": Rule("Take", {"indices": "indices", "axis": "axis", "batch_dims": "batch_dims"}, {}, _gather),
    "gather": Rule("Take", {"indices": "indices", "axis": "axis", "batch_dims": "batch_dims"}, {}, _gather),
    "clip_by_value": Rule("Clip", {"clip_value_min": "x_min", "clip_value_max": "x_max"}),
    "one_hot": Rule("OneHot", {"depth": "num_classes", "axis": "axis"}),
    "where": Rule("Where", {"x": "x1", "y": "x2"}),
    "slice": Rule("GetItem", {"begin": "begin", "size": "size"}, {}, _slice),
    "__operators__.getitem": Rule("GetItem", {"slice_spec": "slice_spec"}, {}, _key),
}  # fmt: skip
# What says nothing: names of nodes, checks, and defaults that older functions write out.
_SILENT = {"name": ..., "conjugate": False, "validate_indices": ..., "output_type": ..., "out_type": ..., "data_format": "NHWC",
           "exclusive": False, "reverse": False, "preserve_aspect_ratio": False, "epsilon": 1e-12}  # fmt: skip
_SHAPES = ("shape", "compat.v1.shape")


def without_shapes(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The layers of a graph without those that compute a shape for `tf.reshape`, as in `(tf.shape(x)[0], 24)`.

    A reshape that keeps the batch is the layer of that name.
    """
    shapes = {v.get("name") for v in layers if _function(v) in _SHAPES}
    sizes = {v.get("name"): _size_of(v, shapes) for v in layers if _size_of(v, shapes) is not None}
    if not sizes:
        return layers
    out = [_reshape(v, sizes) for v in layers]
    used = nodes.names_used([v.get("inbound_nodes") for v in out])
    out = [v for v in out if v.get("name") not in sizes or v.get("name") in used]
    used = nodes.names_used([v.get("inbound_nodes") for v in out])
    return [v for v in out if v.get("name") not in shapes or v.get("name") in used]


def _function(layer: dict[str, Any]) -> Any:
    config = layer.get("config")
    return config.get("function") if layer.get("class_name") in CLASSES and isinstance(config, dict) else None


def _calls(layer: dict[str, Any]) -> list[Any]:
    found = layer.get("inbound_nodes")
    return found if isinstance(found, list) else []


def _size_of(layer: dict[str, Any], shapes: set[Any]) -> int | None:
    """Which axis a layer takes from a shape."""
    calls = _calls(layer)
    if _function(layer) != "__operators__.getitem" or len(calls) != 1 or not nodes.is_place(calls[0]):
        return None
    index = calls[0][3].get("slice_spec") if len(calls[0]) == 4 and calls[0][0] in shapes else None
    return index if isinstance(index, int) and not isinstance(index, bool) else None


def _reshape(layer: dict[str, Any], sizes: dict[Any, Any]) -> dict[str, Any]:
    calls = _calls(layer)
    if _function(layer) != "reshape" or len(calls) != 1 or not nodes.is_place(calls[0]) or len(calls[0]) != 4:
        return layer
    shape = calls[0][3].get("shape")
    shape = shape if isinstance(shape, list) else []
    first = shape[0] if shape else None
    if (
        not isinstance(first, list)
        or not nodes.is_place(first)
        or sizes.get(first[0]) != 0
        or not all(isinstance(n, int) for n in shape[1:])
    ):
        return layer
    config = {"name": layer.get("name"), "target_shape": shape[1:]}
    return {**layer, "class_name": "Reshape", "config": config, "inbound_nodes": [[[*calls[0][:3], {}]]]}


def translated(layer: dict[str, Any], shifts: dict[str, int]) -> dict[str, Any]:
    """The entry of a function with its calls, as the entry of an operation in the layout of Keras 3.

    Raises:
        SerializationError: if there is no such function in the table, or it was given what has no name today.
    """
    name, function = layer.get("name"), str(_function(layer))
    if function == "identity":
        config = {"name": name, "activation": "linear"}
        entry = {
            "module": "keras.layers",
            "class_name": "Activation",
            "config": config,
            "registered_name": None,
        }
        return {
            **entry,
            "name": name,
            "inbound_nodes": [_call(c, Rule(""), name, shifts)[0] for c in _calls(layer)],
        }
    rule = _RULES.get(function)
    if rule is None:
        raise SerializationError(
            f"Layer {name!r} is the TensorFlow function {function!r}, which Lamina does not read. Build the model in Python "
            "with `lamina.ops` and load the weights with `load_weights`."
        )
    calls = [_call(c, rule, name, shifts) for c in _calls(layer)]
    config = {"name": name, **(calls[0][1] if calls else {})}
    operation = "Einsum" if "subscripts" in config else rule.operation
    return {
        "module": "keras.src.ops.numpy", "class_name": operation, "config": config, "registered_name": operation,
        "name": name, "inbound_nodes": [call for call, _ in calls],
    }  # fmt: skip


def _call(node: Any, rule: Rule, name: Any, shifts: dict[str, int]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A call in the layout of Keras 3, and what belongs to the operation itself."""
    constant = isinstance(node, list) and node[:1] == ["_CONSTANT_VALUE"] and len(node) == 4
    several = isinstance(node, list) and bool(node) and all(nodes.is_place(p) or _constant(p) for p in node)
    if constant or nodes.is_place(node):
        first, given = nodes.argument(node[:3], shifts), node[3] if len(node) == 4 else {}
    elif several:
        first, given = [nodes.argument(p[:3], shifts) for p in node], node[0][3] if len(node[0]) == 4 else {}
    else:
        raise SerializationError(f"Layer {name!r}: not a call of Keras 2: {node!r:.80}.")
    arguments = dict(rule.fixed)
    for key, value in given.items():
        if key in rule.names and value is not None:
            arguments[rule.names[key]] = nodes.argument(value, shifts)
        elif value is not None and _SILENT.get(key) not in (..., value):
            raise _refused(name, key, value)
    try:
        changed = arguments if rule.change is None else rule.change(arguments)
    except (KeyError, TypeError, ValueError):
        changed = None
    if changed is None:
        raise _refused(name, "its arguments", given)
    if rule.operation == "GetItem":
        return {"args": [first, changed["key"]], "kwargs": {}}, {}
    if "subscripts" in changed:
        return {"args": [first, changed["x2"]], "kwargs": {}}, {"subscripts": changed["subscripts"]}
    return {"args": [first], "kwargs": changed}, {}


def _constant(value: Any) -> bool:
    return isinstance(value, list) and value[:1] == ["_CONSTANT_VALUE"] and len(value) in (3, 4)


def _refused(name: Any, key: str, value: Any) -> SerializationError:
    return SerializationError(
        f"Layer {name!r}: {key} = {value!r:.120} of a TensorFlow function has no counterpart. Build the model in Python with "
        "`lamina.ops` and load the weights with `load_weights`."
    )
