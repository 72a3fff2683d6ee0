"""The base of image layers: one draw, applied to images, boxes, masks and labels alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import config, ops
from lamina.backends.beside import kernel_beside
from lamina.core.layer import Layer
from lamina.core.tensor import KerasTensor
from lamina.kernel import dtypes
from lamina.kernel.context import current, interpreter, state
from lamina.kernel.namespaces import is_ours
from lamina.kernel.trees import leaves
from lamina.layers.augmentation.described import described
from lamina.layers.augmentation.draws import Stream, Tape, apart, uniforms
from lamina.ops.checks import one_of, shown
from lamina.ops.op import convert
from lamina.utils.bounding_boxes.formats import FORMATS, convert_format

_PARTS = ("images", "labels", "bounding_boxes", "segmentation_masks")


class ImageAugmentation(Layer):
    """Base of layers that transform images, with the boxes, masks and labels that belong to them.

    A call draws once (`get_random_transformation`) and hands the result to one method for each part. Inputs are a
    tensor of images, or a dict with `"images"` and, if wanted, `"labels"`, `"bounding_boxes"` (a dict of `"boxes"`
    (batch, boxes, 4) and `"labels"` (batch, boxes)) and `"segmentation_masks"`; other entries pass unchanged. Single
    images of rank 3 work as batches of rank 4 do. The input dict is left as it is.

    The layer works in compiled models, in a function that `tf.data` traces and, on NumPy arrays, in worker processes
    of data loaders, whatever the backend. Its draws are the same on every backend.

    Args:
        seed: An integer for repeatable draws.
        data_format: "channels_last", "channels_first" or None for the default.
        bounding_box_format: How the boxes are written, such as "xyxy"; needed only where boxes come in.
        **kwargs: `name`, `dtype`.

    Raises:
        ValueError: if a format is unknown; in calls, if images have another rank or are of different sizes.

    Example:
        >>> import lamina
        >>> class Darker(lamina.layers.ImageAugmentation):
        ...     def get_random_transformation(self, data, training=True, seed=None):
        ...         return self.uniforms(data, 1, seed)[0] if training else None
        ...     def transform_images(self, images, transformation, training=True):
        ...         if transformation is None:
        ...             return images
        ...         return images * lamina.ops.reshape(transformation, (-1, 1, 1, 1))
        >>> y = Darker(seed=1)(lamina.ops.ones((2, 4, 4, 3)))
        >>> y.shape == (2, 4, 4, 3)
        True
    """

    autograph_info__: Any = (
        None  # AutoGraph leaves objects with this attribute as they are: converting them takes seconds
    )
    _convert_input_args = False  # images alone are cast to the compute dtype: boxes would lose their digits
    factor: Any = None
    value_range: Any = None
    _stream: Stream
    _draws = True  # whether anything is random
    _is_affine = False  # whether `_maps` says all that it does, and the map is affine
    _keeps_integers = False  # whether integer images come out as integers

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if is_ours(cls):  # users' own docstrings are theirs
            cls.__doc__ = described(cls)

    def __init__(
        self, *, seed: Any = None, data_format: str | None = None, bounding_box_format: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        if bounding_box_format is not None:
            one_of(type(self).__name__, "bounding_box_format", bounding_box_format, FORMATS)
        self.bounding_box_format: Any = bounding_box_format
        self.seed = seed
        if self._draws:
            stream = Stream(seed)
            self.generator = stream.generator
            object.__setattr__(self, "_stream", stream)
        self.built = True

    # -- calling ------------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        inputs = list(leaves((args, list(kwargs.values()))))
        if kwargs.get("training") is True and any(isinstance(x, KerasTensor) for x in inputs):
            kwargs = {
                n: v for n, v in kwargs.items() if n != "training"
            }  # files say so of each; the model decides
        kernel = kernel_beside(inputs)
        if kernel is None or kernel is state.kernel:
            return super().__call__(*args, **kwargs)
        with interpreter(kernel), apart():
            return super().__call__(*args, **kwargs)

    def call(self, data: Any, training: bool = True) -> Any:
        parts, single = self._batched(data)
        found = self.get_random_transformation(parts, training=training)
        out = self._transformed(parts, found, training)
        if single:
            out = {name: _map(lambda x: ops.squeeze(x, 0), value) for name, value in out.items()}
        return {**data, **out} if isinstance(data, dict) else out["images"]

    def _transformed(self, parts: dict[str, Any], found: Any, training: bool) -> dict[str, Any]:
        """Each part under one transformation."""
        out = {"images": self.transform_images(parts["images"], found, training=training)}
        if "bounding_boxes" in parts:
            out["bounding_boxes"] = self.transform_bounding_boxes(
                parts["bounding_boxes"], found, training=training
            )
        if "labels" in parts:
            out["labels"] = self.transform_labels(parts["labels"], found, training=training)
        if "segmentation_masks" in parts:
            out["segmentation_masks"] = self._masks(parts, found, training)
        return out

    def _masks(self, parts: dict[str, Any], found: Any, training: bool) -> Any:
        """Masks, which may come without a channel axis."""
        masks = parts["segmentation_masks"]
        flat = len(masks.shape) == len(parts["images"].shape) - 1
        axis = self._axes(4)[2]
        masks = ops.expand_dims(masks, axis) if flat else masks
        out = self.transform_segmentation_masks(masks, found, training=training)
        return ops.squeeze(out, axis) if flat else out

    # -- inputs -------------------------------------------------------------------------------------------------------

    def _batched(self, data: Any) -> tuple[dict[str, Any], bool]:
        """The parts as tensors with a batch axis, and whether it was added."""
        given = data if isinstance(data, dict) else {"images": data}
        if "images" not in given:
            raise ValueError(
                f"{type(self).__name__}: a dict must have an entry 'images', got {sorted(map(str, given))}."
            )
        images = self._images(given["images"])
        single = len(images.shape) == 3
        parts = {"images": images}
        for name in _PARTS[1:]:
            if given.get(name) is not None:
                parts[name] = self._boxes(given[name]) if name == "bounding_boxes" else _tensor(given[name])
        if single:
            parts = {name: _map(lambda x: ops.expand_dims(x, 0), value) for name, value in parts.items()}
        return parts, single

    def _images(self, images: Any) -> Any:
        """Images as a tensor of the dtype that the layer computes in."""
        if isinstance(images, list | tuple) or getattr(getattr(images, "dtype", None), "kind", "") == "O":
            shapes = {tuple(np.shape(x)) for x in images}
            if len(shapes) > 1:
                raise ValueError(
                    f"{type(self).__name__}: the images have different sizes: {', '.join(map(str, sorted(shapes)))}. "
                    "Bring each to one size first, such as with lamina.layers.Resizing on single images."
                )
            images = np.stack([np.asarray(x) for x in images]) if isinstance(images, np.ndarray) else images
        images = _tensor(images)
        rank = len(images.shape)
        if rank not in (3, 4):
            raise ValueError(
                f"{type(self).__name__}: expected one image (rank 3) or a batch of images (rank 4), got shape "
                f"{shown(images.shape)}. A gray image has one channel: (height, width, 1)."
            )
        k = current()
        if self._keeps_integers and k.dtype(images) in dtypes.IS_INTEGER:
            return images
        dtype = self.compute_dtype
        return images if k.dtype(images) == dtype else k.astype(images, dtype)

    def _boxes(self, boxes: Any) -> dict[str, Any]:
        if self.bounding_box_format is None:
            raise ValueError(
                f"{type(self).__name__}: the data has bounding boxes, but the layer does not know how they are "
                f"written: give `bounding_box_format`, one of {', '.join(map(repr, FORMATS))}."
            )
        if not isinstance(boxes, dict) or not {"boxes", "labels"} <= boxes.keys():
            shape = sorted(map(str, boxes)) if isinstance(boxes, dict) else type(boxes).__name__
            raise ValueError(
                f"{type(self).__name__}: 'bounding_boxes' must be a dict with entries 'boxes' (batch, boxes, 4) and "
                f"'labels' (batch, boxes), got {shape}."
            )
        found = {name: _tensor(value) for name, value in boxes.items()}
        if found["boxes"].shape[-1] != 4:
            raise ValueError(
                f"{type(self).__name__}: 'boxes' must have shape (batch, boxes, 4), got {shown(found['boxes'].shape)}."
            )
        return found

    def _axes(self, rank: int) -> tuple[int, int, int]:
        """The places of height, width and channels."""
        last = self.data_format == "channels_last"
        return (rank - 3, rank - 2, rank - 1) if last else (rank - 2, rank - 1, rank - 3)

    def _size(self, images: Any) -> tuple[Any, Any]:
        """Height and width: integers where they are known."""
        shape = ops.shape(images)
        height, width, _ = self._axes(len(shape))
        return shape[height], shape[width]

    # -- draws --------------------------------------------------------------------------------------------------------

    def uniforms(self, data: Any, count: int, seed: Any = None) -> list[Any]:
        """Draws in [0, 1), for each image its own.

        Args:
            data: Images, or a dict with them.
            count: How many for each image.
            seed: An integer or SeedGenerator; None goes on with the layer's own.

        Returns:
            `count` float32 tensors (batch,).
        """
        if isinstance(seed, Tape):
            return seed.take(count)
        drawn = uniforms(self._next(seed), (self._batch(data), count))
        return [drawn[:, i] for i in range(count)]

    def _chosen(self, data: Any, seed: Any) -> Any:
        """Whether each image is changed, (batch,): with a probability from the range `factor`."""
        low, high = self.factor
        which, draw = self.uniforms(data, 2, seed)
        return draw < which * (high - low) + low

    def uniforms_of_batch(self, count: int, seed: Any = None) -> list[Any]:
        """Draws in [0, 1) that all images share: `count` scalars."""
        drawn = uniforms(self._next(seed), (count,))
        return [drawn[i] for i in range(count)]

    def _next(self, seed: Any) -> Any:
        return self._stream.next() if seed is None else seed

    def _batch(self, data: Any) -> Any:
        images = data["images"] if isinstance(data, dict) else data
        shape = ops.shape(images)
        return shape[0] if len(shape) == 4 else 1

    def _size_of(self, data: Any) -> tuple[Any, Any]:
        return self._size(data["images"] if isinstance(data, dict) else data)

    def _facts(self, data: Any) -> dict[str, Any]:
        """What a transformation also says of the images that it was drawn for."""
        return {"input_shape": ops.shape(data["images"] if isinstance(data, dict) else data)}

    def _shape_of(self, transformation: dict[str, Any]) -> tuple[Any, Any]:
        """Height and width of the images that a transformation was drawn for."""
        shape = tuple(transformation["input_shape"])
        height, width, _ = self._axes(len(shape))
        return shape[height], shape[width]

    # -- what subclasses say ------------------------------------------------------------------------------------------

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Draw what is to be done.

        Args:
            data: Images, or the dict with them.
            training: Whether to draw at all.
            seed: An integer or SeedGenerator; None goes on with the layer's own.

        Returns:
            What the `transform_` methods take; None for nothing.
        """
        return None

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        """The images under a transformation.

        Args:
            images: Tensor of rank 4.
            transformation: From `get_random_transformation`.
            training: Whether it is applied.

        Returns:
            Images.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method `transform_images`.")

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """The labels under a transformation: by default as they are."""
        return labels

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """The boxes under a transformation: by default as they are."""
        return bounding_boxes

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """The masks under a transformation: by default as they are."""
        return segmentation_masks

    # -- single images ------------------------------------------------------------------------------------------------

    def _single(self, method: Any, value: Any, transformation: Any, training: bool) -> Any:
        value = _map(lambda x: ops.expand_dims(_tensor(x), 0), value)
        return _map(lambda x: ops.squeeze(x, 0), method(value, transformation, training=training))

    def transform_single_image(self, image: Any, transformation: Any, training: bool = True) -> Any:
        """`transform_images` of one image (rank 3)."""
        return self._single(self.transform_images, image, transformation, training)

    def transform_single_label(self, label: Any, transformation: Any, training: bool = True) -> Any:
        """`transform_labels` of one label."""
        return self._single(self.transform_labels, label, transformation, training)

    def transform_single_bounding_box(
        self, bounding_box: Any, transformation: Any, training: bool = True
    ) -> Any:
        """`transform_bounding_boxes` of the boxes of one image."""
        return self._single(self.transform_bounding_boxes, bounding_box, transformation, training)

    def transform_single_segmentation_mask(
        self, segmentation_mask: Any, transformation: Any, training: bool = True
    ) -> Any:
        """`transform_segmentation_masks` of one mask (rank 3)."""
        return self._single(self.transform_segmentation_masks, segmentation_mask, transformation, training)

    # -- boxes --------------------------------------------------------------------------------------------------------

    def _corners(self, boxes: Any, size: Any) -> Any:
        """Boxes as (left, top, right, bottom), in pixels."""
        return convert_format(boxes, self.bounding_box_format, "xyxy", *size)

    def _written(self, bounding_boxes: dict[str, Any], corners: Any, size: Any) -> dict[str, Any]:
        """Boxes cut at the border of an image of this size, in their own format; what lies outside gets label -1."""
        height, width = (ops.cast(n, "float32") if hasattr(n, "shape") else float(n) for n in size)
        left, top, right, bottom = (corners[..., i] for i in range(4))
        left, right = ops.clip(left, 0.0, width), ops.clip(right, 0.0, width)
        top, bottom = ops.clip(top, 0.0, height), ops.clip(bottom, 0.0, height)
        gone = ops.logical_or(right <= left, bottom <= top)
        labels = bounding_boxes["labels"]
        k = current()
        labels = k.where(gone, k.full((), -1, k.dtype(labels)), labels)
        boxes = convert_format(
            ops.stack([left, top, right, bottom], -1), "xyxy", self.bounding_box_format, *size
        )
        return {**bounding_boxes, "boxes": boxes, "labels": labels}

    # -- files --------------------------------------------------------------------------------------------------------

    def convert_weight(self, weight: Any) -> Any:
        """The value of a variable on the interpreter in force, such as inside a data pipeline."""
        return weight.value if hasattr(weight, "value") else weight

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; the format of boxes only where there is one."""
        config = {**super().get_config(), "data_format": self.data_format}
        if self.bounding_box_format is not None:
            config["bounding_box_format"] = self.bounding_box_format
        return config


def _tensor(x: Any) -> Any:
    k = current()
    return x if isinstance(x, k.Tensor) else convert(k, x)


def _map(function: Any, value: Any) -> Any:
    return {n: function(x) for n, x in value.items()} if isinstance(value, dict) else function(value)
