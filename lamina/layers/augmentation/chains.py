"""Layers made of other image layers: several changes in a row, or several of a choice."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.kernel.context import current
from lamina.layers.augmentation.affine import RandomRotation, RandomShear, RandomTranslation
from lamina.layers.augmentation.arguments import pair, size, span
from lamina.layers.augmentation.base import ImageAugmentation
from lamina.layers.augmentation.color import color_channels
from lamina.layers.augmentation.draws import Tape, gammas, uniforms
from lamina.layers.augmentation.filters import RandomSharpness
from lamina.layers.augmentation.hues import RandomColorDegeneration, RandomHue, RandomSaturation
from lamina.layers.augmentation.light import RandomBrightness, RandomContrast
from lamina.layers.augmentation.tones import AutoContrast, Equalization, RandomPosterization, Solarization
from lamina.ops.checks import one_of

# In this order, by which transformations name them.
NAMES = (
    "random_shear", "random_translation", "random_rotation", "random_brightness", "random_color_degeneration",
    "random_contrast", "random_sharpness", "random_posterization", "solarization", "auto_contrast", "equalization",
)  # fmt: skip
_MOST_DRAWS = 5  # that one of them makes for an image


class _Choice(ImageAugmentation):
    """What layers share that choose among the same eleven changes."""

    def _make(self, factor: Any, interpolation: str) -> None:
        """The layers to choose from, all of one strength."""
        more: dict[str, Any] = {"data_format": self.data_format}
        if self.bounding_box_format is not None:
            more["bounding_box_format"] = self.bounding_box_format
        moved, colors = {"interpolation": interpolation, **more}, {"value_range": self.value_range, **more}
        bits = max(1, int(8 * factor[1]))
        self.random_shear = RandomShear(factor, factor, **moved)
        self.random_translation = RandomTranslation(factor, factor, **moved)
        self.random_rotation = RandomRotation(factor, **moved)
        self.random_brightness = RandomBrightness(factor, **colors)
        self.random_color_degeneration = RandomColorDegeneration(factor, **colors)
        self.random_contrast = RandomContrast(factor, **colors)
        self.random_sharpness = RandomSharpness(factor, **colors)
        self.random_posterization = RandomPosterization((1, bits), **colors)
        self.solarization = Solarization(factor, factor, **colors)
        self.auto_contrast = AutoContrast(**colors)
        self.equalization = Equalization(**colors)

    def _draw_all(self, names: Any, data: Any, tape: Tape) -> dict[str, Any]:
        """A transformation of each layer: a few numbers, so those that are not chosen cost nothing."""
        return {n: getattr(self, n).get_random_transformation(data, True, tape) for n in names}

    def _chosen_one(self, method: str, names: Any, value: Any, place: Any, transforms: dict[str, Any]) -> Any:
        """What one layer makes of a value; the others do not run."""
        keys = sorted(value) if isinstance(value, dict) else None
        given = [value[n] for n in keys] if keys else [value]
        dtypes = [current().dtype(x) for x in given]

        def branch(name: str) -> Any:
            def run(*parts: Any) -> Any:
                found = dict(zip(keys, parts, strict=True)) if keys else parts[0]
                out = getattr(getattr(self, name), method)(found, transforms[name], training=True)
                flat = [out[n] for n in keys] if keys else [out]
                return [ops.cast(x, dtype) for x, dtype in zip(flat, dtypes, strict=True)]

            return run

        out = ops.switch(ops.cast(place, "int32"), [branch(n) for n in names], *given)
        return dict(zip(keys, out, strict=True)) if keys else out[0]


class RandAugment(_Choice):
    """Makes a few changes, chosen at random among eleven for each batch, during training.

    Shears, translations, rotations, brightness, color, contrast, sharpness, posterization, solarization, auto-contrast
    and equalization: which ones a batch shares, how strong they are is drawn for each image. Only what was chosen is
    computed.

    Args:
        num_ops: How many changes.
        factor: The range of their strength: a pair, or f for (0, f), between 0 and 1.
        interpolation: "bilinear" or "nearest", of those that move pixels.

    Example:
        >>> import lamina
        >>> lamina.layers.RandAugment(seed=1)(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True

    Reference:
        Cubuk et al., 2020: RandAugment, https://arxiv.org/abs/1909.13719
    """

    def __init__(
        self, value_range: Any = (0, 255), num_ops: int = 2, factor: Any = 0.5, interpolation: str = "bilinear",
        seed: int | None = None, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = pair(self, "value_range", value_range)
        self.num_ops = size(self, "num_ops", num_ops)
        self.factor = span(self, "factor", factor, 0, 1, start=0)
        self.interpolation = one_of("RandAugment", "interpolation", interpolation, ("nearest", "bilinear"))
        self._make(self.factor, interpolation)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._next(seed)
        tape = Tape(uniforms(seed, (self._batch(data), len(NAMES) * _MOST_DRAWS)))
        places = ops.floor(uniforms(seed, (self.num_ops,), stream=7) * len(NAMES))
        return {"transforms": self._draw_all(NAMES, data, tape), "layer_idxes": ops.cast(places, "int32")}

    def _in_turn(self, method: str, value: Any, transformation: Any) -> Any:
        for i in range(self.num_ops):
            value = self._chosen_one(
                method, NAMES, value, transformation["layer_idxes"][i], transformation["transforms"]
            )
        return value

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = self._images(images)
        if not training or transformation is None:
            return images
        color_channels(self, images)
        return self._in_turn("transform_images", images, transformation)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        if not training or transformation is None:
            return segmentation_masks
        return self._in_turn("transform_segmentation_masks", segmentation_masks, transformation)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        bounding_boxes = self._boxes(bounding_boxes)
        if not training or transformation is None:
            return bounding_boxes
        return self._in_turn("transform_bounding_boxes", bounding_boxes, transformation)


class AugMix(_Choice):
    """Mixes images with several chains of random changes of themselves during training.

    `y = m x + (1 - m) sum_i w_i chain_i(x)`, w from a Dirichlet and m from a beta distribution

    Which changes a chain makes, and the weights, a batch shares; how strong changes are is drawn for each image.

    Args:
        num_chains: How many chains.
        chain_depth: The largest number of changes in a chain; each may be left out.
        factor: The range of their strength: a pair, or f for (0, f), between 0 and 1.
        alpha: The parameter of both distributions.
        all_ops: Whether brightness, color, contrast and sharpness are among the changes.
        interpolation: "bilinear" or "nearest", of those that move pixels.

    Returns:
        Images of the same shape, in the compute dtype; boxes and masks stay as they are.

    Example:
        >>> import lamina
        >>> lamina.layers.AugMix(seed=1)(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True

    Reference:
        Hendrycks et al., 2020: AugMix, https://arxiv.org/abs/1912.02781
    """

    def __init__(
        self, value_range: Any = (0, 255), num_chains: int = 3, chain_depth: int = 3, factor: Any = 0.3,
        alpha: float = 1.0, all_ops: bool = True, interpolation: str = "bilinear", seed: int | None = None,
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = pair(self, "value_range", value_range)
        self.num_chains, self.chain_depth = (
            size(self, "num_chains", num_chains),
            size(self, "chain_depth", chain_depth),
        )
        self.factor = span(self, "factor", factor, 0, 1, start=0)
        if not isinstance(alpha, int | float) or alpha <= 0:
            raise ValueError(f"AugMix: `alpha` must be a number above 0, got {alpha!r}.")
        self.alpha, self.all_ops = alpha, all_ops
        self.interpolation = one_of("AugMix", "interpolation", interpolation, ("nearest", "bilinear"))
        self._make(self.factor, interpolation)
        left_out = () if all_ops else NAMES[3:7]
        self._names = tuple(n for n in NAMES if n not in left_out)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._next(seed)
        chains, depth, names = self.num_chains, self.chain_depth, self._names
        tape = Tape(uniforms(seed, (self._batch(data), chains * depth * len(names) * _MOST_DRAWS)))
        places = uniforms(seed, (chains, depth), stream=7) * (len(names) + 1)  # the last place: no change
        logs = gammas(seed, (chains,), ops.cast(self.alpha, "float32"), stream=9)
        shares = gammas(seed, (2,), ops.cast(self.alpha, "float32"), stream=8)
        return {
            "chain_mixing_weights": ops.softmax(logs),
            "weight_sample": ops.softmax(shares)[0],
            "layer_idxes": ops.cast(ops.floor(places), "int32"),
            "chain_transforms": [
                [self._draw_all(names, data, tape) for _ in range(depth)] for _ in range(chains)
            ],
        }

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = self._images(images)
        if not training or transformation is None:
            return images
        if self.all_ops:
            color_channels(self, images)
        k = current()
        dtype = k.dtype(images)
        weights, kept = (
            ops.cast(transformation[n], dtype) for n in ("chain_mixing_weights", "weight_sample")
        )
        mixed: Any = 0.0
        for i, steps in enumerate(transformation["chain_transforms"]):
            mixed = mixed + self._chain(images, i, steps, transformation) * weights[i]
        return images * kept + mixed * (1.0 - kept)

    def _chain(self, x: Any, chain: int, steps: Any, transformation: Any) -> Any:
        for i, step in enumerate(steps):
            if "layer_name" in step:  # a list of what is done, decided outside of any program
                layer = getattr(self, step["layer_name"])
                x = layer.transform_images(x, step["transformation"], training=True)
                continue
            x = self._step((*self._names, None), x, transformation["layer_idxes"][chain, i], step)
        return x

    def _step(self, names: Any, x: Any, place: Any, transforms: dict[str, Any]) -> Any:
        """One of the layers, or nothing for the last place."""
        k = current()

        def branch(name: str | None) -> Any:
            if name is None:
                return lambda v: v
            return lambda v: k.astype(
                getattr(self, name).transform_images(v, transforms[name], training=True), k.dtype(v)
            )

        return ops.switch(ops.cast(place, "int32"), [branch(n) for n in names], x)


class RandomColorJitter(ImageAugmentation):
    """Changes brightness, contrast, saturation and hue at random, in this order, during training.

    Args:
        brightness_factor: As in `RandomBrightness`; None leaves it.
        contrast_factor: As in `RandomContrast`.
        saturation_factor: As in `RandomSaturation`.
        hue_factor: As in `RandomHue`.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomColorJitter(brightness_factor=0.2, hue_factor=0.1, seed=1)
        >>> layer(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    def __init__(
        self, value_range: Any = (0, 255), brightness_factor: Any = None, contrast_factor: Any = None,
        saturation_factor: Any = None, hue_factor: Any = None, seed: int | None = None,
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = pair(self, "value_range", value_range)
        self.brightness_factor, self.contrast_factor = brightness_factor, contrast_factor
        self.saturation_factor, self.hue_factor = saturation_factor, hue_factor
        more: dict[str, Any] = {"value_range": value_range, "data_format": self.data_format}
        makers = (
            ("random_brightness", RandomBrightness, brightness_factor),
            ("random_contrast", RandomContrast, contrast_factor),
            ("random_saturation", RandomSaturation, saturation_factor),
            ("random_hue", RandomHue, hue_factor),
        )
        self._names = tuple(name for name, _, factor in makers if factor is not None)
        for name, make, factor in makers:
            setattr(self, name, None if factor is None else make(factor, **more))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training or not self._names:
            return None
        tape = Tape(uniforms(self._next(seed), (self._batch(data), 2 * len(self._names))))
        return {n: getattr(self, n).get_random_transformation(data, True, tape) for n in self._names}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = self._images(images)
        if not training or transformation is None:
            return images
        for name in self._names:
            images = getattr(self, name).transform_images(images, transformation[name], training=True)
        return images
