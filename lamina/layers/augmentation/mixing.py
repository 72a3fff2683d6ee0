"""Images mixed with others of their batch."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.kernel.context import current
from lamina.layers.augmentation.arguments import span
from lamina.layers.augmentation.base import ImageAugmentation
from lamina.layers.augmentation.draws import beta, uniforms
from lamina.layers.augmentation.erasing import rectangles


class _Mixing(ImageAugmentation):
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
        data_format: "channels_last", "channels_first" or None for the default.
        seed: An integer for repeatable draws.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    Returns:
        Images of the same shape, in the compute dtype.

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

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = self._images(images)
        return self._mixed(images, transformation) if training and transformation is not None else images

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        if not training or transformation is None:
            return segmentation_masks
        return self._mixed(segmentation_masks, transformation)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        bounding_boxes = self._boxes(bounding_boxes)
        if not training or transformation is None:
            return bounding_boxes
        return {
            name: ops.concatenate([x, self._other(x, transformation)], 1)
            for name, x in bounding_boxes.items()
        }


class CutMix(_Mixing):
    """Puts a rectangle of another image of the batch into each image during training, and mixes the labels.

    Args:
        factor: The range of the parameter of the beta distribution that the kept part is drawn from: a pair, or f for
            (0, f), between 0 and 1. Small ones mean all or nothing.
        seed: An integer for repeatable draws.
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: `name`, `dtype`.

    Returns:
        Images of the same shape, in the compute dtype.

    Raises:
        ValueError: if the factor is out of range.
        NotImplementedError: for boxes: a box of which a part is left has no agreed meaning.

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

    def _cut(self, x: Any, transformation: Any) -> Any:
        mask = transformation["batch_masks"]
        channels = self._axes(4)[2]
        if mask.shape[channels] not in (1, x.shape[channels]):
            mask = mask[:, :1] if channels == 1 else mask[..., :1]
        return ops.where(mask, self._other(x, transformation), x)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = self._images(images)
        return self._cut(images, transformation) if training and transformation is not None else images

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        if not training or transformation is None:
            return segmentation_masks
        return self._cut(segmentation_masks, transformation)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        raise NotImplementedError(
            "CutMix: boxes are not supported: a box of which a part is left has no agreed meaning. Use MixUp, which "
            "keeps the boxes of both images."
        )
