"""Policies by name, and the quantized ones that are not there yet."""

from __future__ import annotations

from typing import Any, NoReturn

from lamina.core import policy
from lamina.core.policy import DTypePolicy as DTypePolicy

FloatDTypePolicy = DTypePolicy


def get(identifier: Any) -> DTypePolicy:
    """A policy from a policy, its name, its config, or None (the global one).

    Args:
        identifier: What to look up.

    Returns:
        The policy.

    Raises:
        ValueError: if there is none.
        NotImplementedError: for a quantized policy.

    Example:
        >>> import lamina
        >>> lamina.dtype_policies.get("mixed_float16").compute_dtype
        'float16'
    """
    return deserialize(identifier) if isinstance(identifier, dict) else policy.get(identifier)


def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """The config of a policy.

    Args:
        dtype_policy: The policy.

    Returns:
        A dict of plain values, as files hold it.

    Example:
        >>> import lamina
        >>> lamina.dtype_policies.serialize(lamina.DTypePolicy("float16"))["config"]
        {'name': 'float16'}
    """
    from lamina.core.codec import serialize

    return serialize(dtype_policy)


def deserialize(config: Any, custom_objects: Any = None) -> DTypePolicy:
    """The policy of a config.

    Args:
        config: What `serialize` gave.
        custom_objects: Name -> class, for this call only.

    Returns:
        The policy.

    Example:
        >>> import lamina
        >>> config = lamina.dtype_policies.serialize(lamina.DTypePolicy("float16"))
        >>> lamina.dtype_policies.deserialize(config)
        <DTypePolicy "float16">
    """
    from lamina.core.codec import deserialize

    if isinstance(config, dict) and "module" not in config and "class_name" in config:
        config = {"module": "keras", "registered_name": None, **config}
    return deserialize(config, custom_objects)


class QuantizedDTypePolicy(DTypePolicy):
    """Integer weights: not supported yet; the name is here so that files and code which use it are told so.

    Args:
        mode: The kind of quantization, "int8" say.
        source_name: The policy that is quantized.

    Raises:
        NotImplementedError: always.
    """

    def __init__(self, mode: str, source_name: str | None = None) -> None:
        self._refuse(mode, source_name)

    def _refuse(self, mode: str, source_name: str | None) -> NoReturn:
        raise NotImplementedError(
            f"{type(self).__name__}({mode!r}, {source_name!r}): quantized dtype policies are not supported yet. Use a "
            "float policy such as 'float32', 'mixed_bfloat16' or 'bfloat16'."
        )


class Int4DTypePolicy(QuantizedDTypePolicy):
    """Four-bit weights: not supported yet.

    Args:
        mode: The kind of quantization.
        source_name: The policy that is quantized.

    Raises:
        NotImplementedError: always.
    """


class GPTQDTypePolicy(QuantizedDTypePolicy):
    """Weights quantized by GPTQ: not supported yet.

    Args:
        mode: The kind of quantization.
        source_name: The policy that is quantized.

    Raises:
        NotImplementedError: always.
    """


class AWQDTypePolicy(QuantizedDTypePolicy):
    """Weights quantized by AWQ: not supported yet.

    Args:
        mode: The kind of quantization.
        source_name: The policy that is quantized.

    Raises:
        NotImplementedError: always.
    """


class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """Eight-bit floats: not supported yet.

    Args:
        mode: The kind of quantization.
        source_name: The policy that is quantized.
        amax_history_length: How many of the greatest values are remembered.

    Raises:
        NotImplementedError: always.
    """

    default_amax_history_length = 1024
    amax_history_length = default_amax_history_length

    def __init__(self, mode: str, source_name: str | None = None, amax_history_length: int = 1024) -> None:
        self._refuse(mode, source_name)
