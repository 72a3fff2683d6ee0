"""DTypePolicy: the dtype a layer computes in and the one it keeps its variables in."""

from __future__ import annotations

from typing import Any

from lamina.core.codec import deserialize
from lamina.errors import suggestion
from lamina.kernel import dtypes
from lamina.kernel.context import current
from lamina.kernel.namespaces import public_in
from lamina.kernel.settings import SETTINGS
from lamina.kernel.tracebacks import folds_frames
from lamina.ops.op import convert

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class DTypePolicy:
    """The dtype a layer computes in and the one it keeps its variables in.

    Args:
        name: A float dtype ("float32": both), "mixed_float16" or "mixed_bfloat16" (computes narrow, keeps float32).
            None is the global policy's name.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> import lamina
        >>> p = lamina.DTypePolicy("mixed_bfloat16")
        >>> p.compute_dtype, p.variable_dtype
        ('bfloat16', 'float32')
    """

    name: str = ""
    compute_dtype: str = ""
    variable_dtype: str = ""
    quantization_mode: str | None = None

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = dtype_policy().name
        if not isinstance(name, str):
            raise TypeError(f"`name` must be a string such as 'mixed_float16', got {name!r}.")
        self.name = name
        self.compute_dtype, self.variable_dtype = self._parse(name)

    def _parse(self, name: str) -> tuple[str, str]:
        if name in _MIXED:
            return _MIXED[name], "float32"
        if "_from_" in name:
            raise NotImplementedError(f"Quantized dtype policies ({name!r}) are not supported yet.")
        try:
            standard = dtypes.standardize(name)
        except ValueError:
            known = (*dtypes.FLOATS, *_MIXED)
            raise ValueError(
                f"Unknown dtype policy {name!r}.{suggestion(name, known)} Known: a dtype name, {', '.join(_MIXED)}."
            ) from None
        return standard, standard

    def convert_input(self, x: Any, autocast: bool, dtype: str) -> Any:
        """`x` as a tensor, floats cast to `dtype` when `autocast`."""
        k = current()
        x = convert(k, x)
        return k.astype(x, dtype) if autocast and k.dtype(x) in dtypes.IS_FLOAT and k.dtype(x) != dtype else x

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal policy."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        """A policy from `get_config`."""
        return cls(**config)

    def __eq__(self, other: Any) -> bool:
        return type(other) is type(self) and other.get_config() == self.get_config()

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


_CACHE: dict[str, DTypePolicy] = {}


@public_in("lamina.mixed_precision")
def dtype_policy() -> DTypePolicy:
    """The global policy: what layers use that are given no `dtype`.

    Returns:
        The policy.

    Example:
        >>> import lamina
        >>> lamina.config.dtype_policy()
        <DTypePolicy "float32">
    """
    return SETTINGS["dtype_policy"] or _named(SETTINGS["floatx"])


@public_in("lamina.mixed_precision")
@folds_frames
def set_dtype_policy(policy: Any) -> None:
    """Set the global policy.

    Args:
        policy: A DTypePolicy or its name.

    Example:
        >>> import lamina
        >>> lamina.config.set_dtype_policy("mixed_bfloat16")
        >>> lamina.layers.Dense(2).compute_dtype
        'bfloat16'
        >>> lamina.config.set_dtype_policy("float32")
    """
    SETTINGS["dtype_policy"] = get(policy)


def _named(name: str) -> DTypePolicy:
    if name not in _CACHE:
        _CACHE[name] = DTypePolicy(name)
    return _CACHE[name]


def get(identifier: Any) -> DTypePolicy:
    """A policy from a policy, its name, its config, or None (the global one)."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str) and identifier in _CACHE:
        return _CACHE[identifier]
    return _named(identifier if isinstance(identifier, str) else dtypes.standardize(identifier))
