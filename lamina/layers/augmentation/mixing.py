"""Images mixed with others of their batch."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.kernel.context import current
from lamina.layers.augmentation.arguments import span
from lamina.layers.augmentation.draws import beta, uniforms
from lamina.layers.augmentation.erasing import rectangles
from lamina.layers.augmentation.geometry import Spatial


class _Mixing(Spatial):
    """What both have in common: an order in which images meet, and labels that are mixed like them."""

    def _order(self, data: Any, seed: Any) -> Any:
        """A random order of the batch, int32."""
        k = current()
        return k.argsort(uniforms(seed, (self._batch(data),), stream=9), 0)

    def _other(self, x: Any, transformation: Any) -> Any:
        return ops.take(x, ops.cast(transformation["permutation_order"], "int32"), axis=0)

    def _mixed(self, x: Any, transformation: Any) -> Any:
        weight = ops.reshape(
            ops.cast(transformation["mix_weight"], "float32"), (-1, *(1,) * (len(x.shape) - 1))
        )
        x = ops.cast(x, self.compute_dtype)
        weight = ops.cast(weight, self.compute_dtype)
        return x * weight + self._other(x, transformation) * (1.0 - weight)

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """The labels, mixed as the images are: one-hot, or numbers that can be mixed."""
        if not training or transformation is None:
            return labels
        return self._mixed(labels, transformation)


class MixUp(_Mixing):
    """Mixes each image, and its label, with another one of the batch during training.

    `y = w x + (1 - w) x'`, w from a beta distribution (alpha, alpha)

    Boxes of both images are kept. Masks are mixed like the images, so they should be one-hot.

    Args:
        alpha: How much is mixed: near 0 hardly, at 1 all weights are alike.

    Raises:
        ValueError: if alpha is not above 0.

    Example:
        >>> import lamina
        >>> data = {"images": lamina.ops.ones((2, 8, 8, 3)), "labels": lamina.ops.eye(2)}
        >>> mixed = lamina.layers.MixUp(0.4, seed=1)(data)
        >>> mixed["labels"].shape == (2, 2)
        True

    Reference:
        Zhang et al., 2018: mixup: Beyond Empirical Risk Minimization, https://arxiv.org/abs/1710.09412
    """

    def __init__(
        self, alpha: float = 0.2, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if not isinstance(alpha, int | float) or alpha <= 0:
            raise ValueError(f"MixUp: `alpha` must be a number above 0, got {alpha!r}.")
        self.alpha = alpha

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._next(seed)
        return {
            "mix_weight": beta(seed, (self._batch(data),), ops.cast(self.alpha, "float32")),
            "permutation_order": self._order(data, seed),
        }

    def _through(self, images: Any, transformation: Any, interpolation: str) -> Any:
        return self._mixed(images, transformation)

    def _boxes_through(self, boxes: dict[str, Any], transformation: Any) -> dict[str, Any]:
        return {n: ops.concatenate([x, self._other(x, transformation)], 1) for n, x in boxes.items()}


class CutMix(_Mixing):
    """Puts a rectangle of another image of the batch into each image during training, and mixes the labels.

    Boxes of both images are kept: of the other image what lies in the rectangle, of the own one the least box around what
    is still to be seen; boxes of which nothing is left get label -1. Masks are cut like the images.

    Args:
        factor: The range of the parameter of the beta distribution that the kept part is drawn from: a pair, or f for
            (0, f), between 0 and 1. Small ones mean all or nothing.

    Raises:
        ValueError: if the factor is out of range.

    Example:
        >>> import lamina
        >>> data = {"images": lamina.ops.ones((2, 8, 8, 3)), "labels": lamina.ops.eye(2)}
        >>> mixed = lamina.layers.CutMix(seed=1)(data)
        >>> mixed["images"].shape == (2, 8, 8, 3)
        True

    Reference:
        Yun et al., 2019: CutMix, https://arxiv.org/abs/1905.04899
    """

    def __init__(
        self, factor: Any = 1.0, seed: int | None = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1, start=0)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._next(seed)
        images = data["images"] if isinstance(data, dict) else data
        low, high = self.factor
        draw, top, left = self.uniforms(data, 3, seed)
        kept = beta(seed, (self._batch(data),), ops.maximum(draw * (high - low) + low, 1e-2))
        side = ops.sqrt(1.0 - kept)
        mask = rectangles(self._size(images), (side, side), (top, left))
        part = ops.mean(ops.cast(mask, "float32"), (1, 2))  # whole pixels alone can change places
        return {
            "mix_weight": ops.expand_dims(1.0 - part, (1, 2, 3)),
            "permutation_order": self._order(data, seed),
            "batch_masks": ops.expand_dims(mask, self._axes(4)[2]),
        }

    def _through(self, images: Any, transformation: Any, interpolation: str) -> Any:
        mask = transformation["batch_masks"]
        channels = self._axes(4)[2]
        if mask.shape[channels] not in (1, images.shape[channels]):
            mask = mask[:, :1] if channels == 1 else mask[..., :1]
        return ops.where(mask, self._other(images, transformation), images)

    def _boxes_through(self, boxes: dict[str, Any], transformation: Any) -> dict[str, Any]:
        size = self._size(transformation["batch_masks"])
        cut = self._rectangle(transformation["batch_masks"])
        corners = self._corners(boxes["boxes"], size)
        left = self._written(boxes, _beside(corners, cut), size)
        other = {n: self._other(x, transformation) for n, x in {**boxes, "boxes": corners}.items()}
        given = self._written(other, _within(other["boxes"], cut), size)
        return {n: ops.concatenate([left[n], given[n]], 1) for n in left}

    def _rectangle(self, masks: Any) -> tuple[Any, Any, Any, Any]:
        """The rectangle of each image, (batch, 1) each: left, top, right, bottom."""
        inside = ops.any(masks, self._axes(4)[2])
        found = []
        for axis in (1, 2):
            line = ops.cast(ops.any(inside, 3 - axis), "int32")
            first = ops.cast(ops.argmax(line, 1), "float32")
            found.append((first, first + ops.cast(ops.sum(line, 1), "float32")))
        (top, bottom), (left, right) = found
        return tuple(ops.expand_dims(v, 1) for v in (left, top, right, bottom))  # type: ignore[return-value]


def _within(corners: Any, cut: tuple[Any, Any, Any, Any]) -> Any:
    """The parts of boxes inside rectangles; of those outside nothing is left."""
    left, top, right, bottom = cut
    x = [ops.clip(corners[..., i], left, right) for i in (0, 2)]
    y = [ops.clip(corners[..., i], top, bottom) for i in (1, 3)]
    return ops.stack([x[0], y[0], x[1], y[1]], -1)


def _beside(corners: Any, cut: tuple[Any, Any, Any, Any]) -> Any:
    """The least boxes around what rectangles leave of boxes: cut where a rectangle covers them from side to side."""
    x0, y0, x1, y1 = (corners[..., i] for i in range(4))
    left, top, right, bottom = cut
    from_left, from_right, from_top, from_bottom = left <= x0, right >= x1, top <= y0, bottom >= y1
    wide, tall = ops.logical_and(from_left, from_right), ops.logical_and(from_top, from_bottom)
    return ops.stack(
        [
            ops.where(ops.logical_and(tall, from_left), ops.clip(right, x0, x1), x0),
            ops.where(ops.logical_and(wide, from_top), ops.clip(bottom, y0, y1), y0),
            ops.where(ops.logical_and(tall, from_right), ops.clip(left, x0, x1), x1),
            ops.where(ops.logical_and(wide, from_bottom), ops.clip(top, y0, y1), y1),
        ],
        -1,
    )
