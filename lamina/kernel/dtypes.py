"""dtypes by name, and the one lattice that says what two of them make together.

The rules are those of Keras: any float wins over any integer, Python scalars are weak (they take the kind they
force, in the width that is there), and 64 bits appear only where somebody asked for them.
"""

from __future__ import annotations

from typing import Any

from lamina.errors import suggestion
from lamina.kernel.namespaces import public_in
from lamina.kernel.settings import floatx

BOOL = ("bool",)
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
SIGNED = ("int8", "int16", "int32", "int64")
FLOATS = ("bfloat16", "float16", "float32", "float64")
FLOAT8 = ("float8_e4m3fn", "float8_e5m2")
COMPLEX = ("complex64", "complex128")
INTEGERS = (*UNSIGNED, *SIGNED)
NAMES = frozenset((*BOOL, *INTEGERS, *FLOATS, *FLOAT8, *COMPLEX, "string"))

IS_FLOAT = frozenset((*FLOATS, *FLOAT8))
IS_INEXACT = frozenset((*FLOATS, *FLOAT8, *COMPLEX))
IS_INTEGER = frozenset(INTEGERS)

# What each dtype is joined to directly above it. The join of two dtypes is the lowest one that both reach.
_ABOVE: dict[str, tuple[str, ...]] = {
    "bool": ("int",),
    "int": ("uint8", "int8"),  # a Python int: takes the integer dtype it meets
    "uint8": ("uint16", "int16"),
    "uint16": ("uint32", "int32"),
    "uint32": ("int64", "uint64"),
    "uint64": ("float",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float",),
    "float": ("bfloat16", "float16"),  # a Python float: takes the float dtype it meets
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64", "complex"),
    "float64": ("complex128",),
    "complex": ("complex64",),
    "complex64": ("complex128",),
    "complex128": (),
    "float8_e4m3fn": ("float16", "bfloat16"),
    "float8_e5m2": ("float16", "bfloat16"),
}


def _reach(name: str) -> frozenset[str]:
    found = {name}
    for above in _ABOVE[name]:
        found |= _reach(above)
    return frozenset(found)


_UPSET = {name: _reach(name) for name in _ABOVE}
_WEAK = {"int": "int32", "float": "float32", "complex": "complex64"}
_PYTHON = {bool: "bool", int: "int", float: "float", complex: "complex"}


def _join(dtypes: tuple[str, ...]) -> str:
    if len(set(dtypes)) == 1:
        return _WEAK.get(dtypes[0], dtypes[0])
    common = frozenset.intersection(*(_UPSET[d] for d in dtypes))
    least: str = min(common, key=lambda d: len(common - _UPSET[d]))
    return _WEAK.get(least, least)


@public_in("lamina.backend")
def result_type(*dtypes: Any) -> str:
    """The dtype that tensors of these dtypes have together.

    Args:
        *dtypes: Names such as `"float32"`, or the Python types `bool`, `int`, `float`, which are weak.

    Returns:
        A name. With no arguments: the default float.

    Example:
        >>> from lamina.backend import result_type
        >>> result_type("int32", "bfloat16"), result_type("int8", float)
        ('bfloat16', 'float32')
    """
    if not dtypes:
        return floatx()
    return _join(tuple([_PYTHON.get(d) or standardize(d) for d in dtypes]))


# Tables rather than caches: compilers of the frameworks can follow a look-up.
_PAIRS = {(a, b): _join((a, b)) for a in _UPSET for b in _UPSET if _UPSET[a] & _UPSET[b]}
_TO_FLOAT = {name: name if name in IS_INEXACT else _join((name, "float")) for name in _UPSET}


def join(*names: str) -> str:
    """`result_type` for names that are known to be standard (or weak: "int", "float")."""
    try:
        return _PAIRS[names] if len(names) == 2 else _join(names)
    except KeyError:
        raise TypeError(
            f"Cannot calculate with values of the dtypes {' and '.join(names)} together."
        ) from None


def to_float(name: str) -> str:
    """The float dtype that mathematics on `name` is done in: itself if inexact, otherwise float32."""
    return _TO_FLOAT[name]


_ALIASES = {
    "float": "float32",
    "int": "int32",
    "half": "float16",
    "double": "float64",
    "complex": "complex64",
}


def standardize(dtype: Any) -> str:
    """The name of a dtype given as a name, a Python type, or any framework's dtype object; None is the default float.

    Raises:
        ValueError: if nothing of that name exists.
    """
    if dtype is None:
        return floatx()
    if isinstance(dtype, str):
        name = dtype if dtype in NAMES else _ALIASES.get(dtype)
    elif isinstance(dtype, type) and dtype in (bool, int, float, complex, str):
        name = {bool: "bool", int: _default_int(), float: "float32", complex: "complex64", str: "string"}[
            dtype
        ]
    else:
        # numpy and jax dtypes have a name, numpy scalar types a __name__, "torch.float32" and "<dtype: 'x'>" a text
        name = (
            getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype).rpartition(".")[2]
        )
        name = {"str": "string", "object": "string"}.get(name, name)
    if name not in NAMES:
        if (kind := getattr(dtype, "kind", None)) in ("U", "S", "O"):
            raise ValueError(
                f"{'Python objects' if kind == 'O' else 'Texts'} (dtype {dtype}) are no numbers, so no tensor. Encode "
                "them first: classes from 0 on with numpy.unique(texts, return_inverse=True), words with "
                "layers.StringLookup or layers.TextVectorization."
            )
        raise ValueError(
            f"Unknown dtype: {dtype!r}.{suggestion(str(dtype), NAMES)} Known dtypes: {', '.join(sorted(NAMES))}."
        )
    return name


def _default_int() -> str:
    return "int32"


def of_scalar(value: Any) -> str:
    """The weak dtype of a Python scalar."""
    kind = type(value)
    return _PYTHON[
        kind if kind in _PYTHON else float if isinstance(value, float) else int
    ]  # np.float64, enums


def is_float(dtype: Any) -> bool:
    """Whether `dtype` is a real floating dtype."""
    return standardize(dtype) in IS_FLOAT


def is_integer(dtype: Any) -> bool:
    """Whether `dtype` is a signed or unsigned integer dtype."""
    return standardize(dtype) in IS_INTEGER
