"""How much a file may ask of whoever reads it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lamina.errors import SerializationError
from lamina.kernel.namespaces import public_in


@public_in("lamina.saving")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """Budgets of the loader: a file that asks for more is refused before it gets it.

    The defaults are far above what real models need. Give smaller ones where strangers send files, larger ones for a
    file of your own that is refused.

    Args:
        json_bytes: The size of a JSON text: the config, the index of shards.
        text_bytes: All strings of one attribute of an old HDF5 file.
        unpack_ratio: How many times larger than its packed form a member of a zip may be.
        members: How many members an archive, or files a folder, may have.
        shards: How many files weights may be spread over.
        entries: How many groups and tensors an HDF5 file may have.
        config_depth: How deep a config may be nested.
        group_depth: How deep groups of an HDF5 file may be nested.
        weight_bytes: The size of all weights together; None is what the model needs, whatever that is.

    Raises:
        ValueError: if one is not a positive whole number.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> model.save("model.keras")
        >>> small = lamina.saving.Limits(json_bytes=1_000_000, weight_bytes=100_000_000)
        >>> lamina.saving.load_model("model.keras", limits=small).count_params()
        3
    """

    json_bytes: int = 64 << 20
    text_bytes: int = 256 << 20
    unpack_ratio: int = 200
    members: int = 20_000
    shards: int = 10_000
    entries: int = 1_000_000
    config_depth: int = 200
    group_depth: int = 64
    weight_bytes: int | None = None

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if value is None and name == "weight_bytes":
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"Limits: `{name}` must be a positive whole number, got {value!r}.")


_USUAL = Limits()
_here = threading.local()


def in_force() -> Limits:
    """The limits of the call that this thread is in."""
    return getattr(_here, "limits", _USUAL)


@contextmanager
def limited(limits: Limits | None) -> Iterator[None]:
    """A block with these limits, or those around it.

    Raises:
        TypeError: if they are no `Limits`.
    """
    if limits is not None and not isinstance(limits, Limits):
        raise TypeError(
            f"`limits` must be a lamina.saving.Limits, got {limits!r:.80} ({type(limits).__name__}): "
            "write limits=lamina.saving.Limits(json_bytes=1_000_000)."
        )
    before = in_force()
    _here.limits = before if limits is None else limits
    try:
        yield
    finally:
        _here.limits = before


def check_weights(size: int, label: str) -> None:
    """Compare the bytes of all weights that a model takes from a file with the budget.

    Raises:
        SerializationError: if they are more.
    """
    allowed = in_force().weight_bytes
    if allowed is not None and size > allowed:
        raise SerializationError(
            f"{label}: the weights have {size} bytes, more than the {allowed} of limits.weight_bytes."
        )
