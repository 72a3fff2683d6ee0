"""Several maps of the plane as one, so that images are sampled once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina import ops
from lamina.core.layer import Layer
from lamina.kernel.namespaces import is_ours
from lamina.layers.augmentation.flip import RandomFlip
from lamina.layers.augmentation.geometry import Geometric


class Fused(Geometric):
    """Affine layers in a row as one: each draws as it would alone, and images are seen through all of the maps at once.

    Args:
        layers: Layers that say through which affine map they see images, of one way to fill and interpolate.
    """

    _draws = False  # its layers do

    def __init__(self, layers: Sequence[Any]) -> None:
        first = layers[0]
        formats = [x.bounding_box_format for x in layers if x.bounding_box_format is not None]
        fill_mode, interpolation, fill_value = next(filter(None, map(_way, layers)))
        super().__init__(
            data_format=first.data_format, bounding_box_format=formats[0] if formats else None, dtype=first.dtype_policy,
            fill_mode=fill_mode, interpolation=interpolation, fill_value=fill_value,
        )  # fmt: skip
        self.__dict__["_fused"] = list(layers)  # they belong to whoever called for this layer

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        size, total = self._size_of(data), None
        for layer in self.__dict__["_fused"]:
            one = _matrix(layer._maps(layer.get_random_transformation(data, training, seed), size))
            total = one if total is None else ops.matmul(total, one)
        return {"maps": ops.reshape(total, (-1, 9))[:, :8], **self._facts(data)}

    def _maps(self, transformation: Any, size: tuple[Any, Any]) -> Any:
        return transformation["maps"]


def _matrix(maps: Any) -> Any:
    """(batch, 8) as matrices (batch, 3, 3), which compose by their product."""
    return ops.reshape(ops.concatenate([maps, ops.ones_like(maps[:, :1])], 1), (-1, 3, 3))


def _way(layer: Any) -> tuple[str, str, float] | None:
    """How a layer fills and interpolates; None for one that neither needs."""
    if isinstance(layer, RandomFlip):
        return None
    return layer.fill_mode, layer.interpolation, layer.fill_value


def fused(layers: Sequence[Layer]) -> list[Layer]:
    """The layers, in which each run of affine ones of one way to fill and interpolate is one."""
    out: list[Layer] = []
    run: list[Any] = []

    def close() -> None:
        out.extend([Fused(run)] if len(run) > 1 and any(map(_way, run)) else run)
        run.clear()

    for layer in layers:
        own = is_ours(layer)  # a user's subclass may do more than its map says
        if not own or not getattr(layer, "_is_affine", False):
            close()
            out.append(layer)
            continue
        ways = {_way(x) for x in (*run, layer)} - {None}
        if len(ways) > 1 or (run and _keys(run[0]) != _keys(layer)):
            close()
        run.append(layer)
    close()
    return out


def _keys(layer: Any) -> tuple[Any, ...]:
    return layer.data_format, layer.compute_dtype, layer.bounding_box_format
