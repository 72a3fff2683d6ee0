"""Policies by the path of a layer."""

from __future__ import annotations

from typing import Any

from lamina.core.codec import serialize
from lamina.core.pattern_map import PatternMap
from lamina.core.policy import DTypePolicy, dtype_policy, get


class DTypePolicyMap(DTypePolicy, PatternMap):
    """Policies by the path of a layer: exact paths, or regular expressions that match all of one.

    Args:
        default_policy: The policy of layers that nothing matches; None is the global one.
        policy_map: Path or expression -> policy or its name.

    Raises:
        TypeError: if `policy_map` is not a dict.
        ValueError: if a policy is unknown.

    Example:
        >>> import lamina
        >>> m = lamina.dtype_policies.DTypePolicyMap("float32", {"encoder/.*": "mixed_bfloat16"})
        >>> m["encoder/dense"].name, m["decoder/dense"].name
        ('mixed_bfloat16', 'float32')
    """

    def __init__(self, default_policy: Any = None, policy_map: dict[str, Any] | None = None) -> None:
        if policy_map is not None and not isinstance(policy_map, dict):
            raise TypeError(f"`policy_map` must be a dict, got {policy_map!r}.")
        if isinstance(default_policy, DTypePolicyMap):
            raise ValueError("`default_policy` must be a policy, not another map.")
        self._default = None if default_policy is None else get(default_policy)
        self._entries = {key: self.checked(value) for key, value in (policy_map or {}).items()}

    def fallback(self) -> DTypePolicy:
        return self.default_policy

    def checked(self, value: Any) -> DTypePolicy:
        return get(value)

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of layers that nothing matches."""
        return dtype_policy() if self._default is None else self._default

    @property
    def name(self) -> str:  # type: ignore[override]
        """`map_` and the name of the default."""
        return f"map_{self.default_policy.name}"

    @property
    def compute_dtype(self) -> str:  # type: ignore[override]
        """The compute dtype of the default."""
        return self.default_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:  # type: ignore[override]
        """The variable dtype of the default."""
        return self.default_policy.variable_dtype

    @property
    def quantization_mode(self) -> str | None:  # type: ignore[override]
        """The quantization of the default: none."""
        return self.default_policy.quantization_mode

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal map."""
        default = None if self._default is None else self._default.name
        return {
            "default_policy": default,
            "policy_map": {key: serialize(p) for key, p in self._entries.items()},
        }

    def __eq__(self, other: Any) -> bool:
        return DTypePolicy.__eq__(self, other)

    def __hash__(self) -> int:
        return hash((type(self), tuple(self._entries)))

    def __repr__(self) -> str:
        entries = [(key, policy.name) for key, policy in self._entries.items()]
        return f"<DTypePolicyMap default_policy={self.default_policy.name}, mapping={entries}>"
