"""Images seen through a map of coordinates."""

from __future__ import annotations

import itertools
from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel, Unfit
from lamina.kernel.plugins import random
from lamina.ops.checks import one_of, shown
from lamina.ops.image._layout import Layout, batched, layout, narrow, single, wide
from lamina.ops.image.filters import blurred
from lamina.ops.op import Output, Tensor, op

_FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")
_ORDERS = {"nearest": 0, "bilinear": 1}


def _away(k: Kernel, x: Any) -> Any:
    """Rounded, halves away from zero."""
    return k.sign(x) * k.floor(k.abs(x) + 0.5)


def _mirrored(k: Kernel, place: Any, size: Any) -> Any:
    """Reflected at the centers of the border pixels."""
    period = size - 1 if not isinstance(size, int) or size > 1 else 1
    turned = k.abs(k.remainder(place + period, k.full((), 2 * period, "int32")) - period)
    return turned if not isinstance(size, int) or size > 1 else k.zeros(place.shape, "int32")


def _inside(k: Kernel, place: Any, size: Any, fill_mode: str) -> Any:
    """The places that stand for those outside 0 .. size - 1."""
    if fill_mode == "wrap":
        return k.remainder(place, k.full((), size, "int32"))
    if fill_mode == "mirror":
        return _mirrored(k, place, size)
    if fill_mode == "reflect":  # at the borders of the border pixels: the mirror of a grid twice as fine
        fine = _mirrored(k, place * 2 + 1, 2 * size + 1) - 1
        return k.floor_divide(fine, k.full((), 2, "int32"))
    return k.clip(place, 0, size - 1)


def sample(
    k: Kernel,
    rows: Any,
    sizes: Any,
    coordinates: Any,
    order: int,
    fill_mode: str,
    fill_value: float,
    base: Any,
) -> Any:
    """Values at fractional places.

    `rows` is (product of sizes [times images], *rest): pixels in a line. `coordinates` has one tensor per axis;
    `base` is where the image of each coordinate begins. The result is (*coordinates' shape, *rest).
    """
    corners = []
    for place in coordinates:
        if order == 0:
            corners.append([(k.astype(_away(k, place), "int32"), None)])
        else:
            low = k.floor(place)
            part, start = place - low, k.astype(low, "int32")
            corners.append([(start, 1.0 - part), (start + 1, part)])
    rest = tuple(range(-1, -len(rows.shape), -1))
    total = None
    for corner in itertools.product(*corners):
        line, weight, valid = base, None, None
        for (place, share), size in zip(corner, sizes, strict=True):
            line = line * size + _inside(k, place, size, fill_mode)
            if share is not None:
                weight = share if weight is None else weight * share
            if fill_mode == "constant":
                here = k.logical_and(place >= 0, place < size)
                valid = here if valid is None else k.logical_and(valid, here)
        values = k.take(rows, line, 0)
        if valid is not None:
            values = k.where(k.expand_dims(valid, rest) if rest else valid, values, fill_value)
        if weight is not None:
            values = values * k.astype(k.expand_dims(weight, rest) if rest else weight, k.dtype(values))
        total = values if total is None else total + values
    return total


def _back(k: Kernel, x: Any, dtype: str) -> Any:
    return narrow(k, _away(k, x) if dtype in dtypes.IS_INTEGER else x, dtype, rounded=False)


def _check_modes(op: str, interpolation: str, fill_mode: str) -> int:
    one_of(op, "fill_mode", fill_mode, _FILL_MODES)
    return _ORDERS[one_of(op, "interpolation", interpolation, _ORDERS)]


@op("inputs", "coordinates", module="image")
def map_coordinates(
    k: Kernel,
    inputs: Tensor,
    coordinates: Tensor,
    order: int,
    fill_mode: str = "constant",
    fill_value: float = 0,
) -> Output:
    """An array's values at fractional places.

    `y[p] = x[c_0[p], c_1[p], ...]`

    Args:
        inputs: A tensor of n axes.
        coordinates: Tensor (n, ...): the place along each axis.
        order: 0 (the nearest entry) or 1 (linear between entries).
        fill_mode: What lies outside: "constant", "nearest", "wrap", "mirror" (the border entry once) or "reflect"
            (twice).
        fill_value: The constant.

    Returns:
        A tensor of the shape of the coordinates without their first axis.

    Raises:
        ValueError: if an argument is unknown or the ranks do not fit.

    Example:
        >>> import lamina
        >>> y = lamina.ops.image.map_coordinates([0.0, 2.0, 4.0], [[0.5, 1.0]], order=1)
        >>> lamina.ops.convert_to_numpy(y).tolist()
        [1.0, 2.0]
    """
    one_of("map_coordinates", "order", order, (0, 1))
    one_of("map_coordinates", "fill_mode", fill_mode, _FILL_MODES)
    rank = len(inputs.shape)
    if len(coordinates.shape) < 2 or coordinates.shape[0] != rank:
        raise ValueError(
            f"map_coordinates: `coordinates` must have shape ({rank}, ...) for an input of shape "
            f"{shown(inputs.shape)}, got {shown(coordinates.shape)}."
        )
    places = k.unstack(wide(k, coordinates), 0)
    rows = k.reshape(wide(k, inputs), (-1,))
    base = k.zeros((), "int32")
    out = sample(k, rows, inputs.shape, places, order, fill_mode, fill_value, base)
    return _back(k, out, k.dtype(inputs))


def _grid(k: Kernel, height: int, width: int, dtype: str) -> tuple[Any, Any]:
    """The row (height, 1) and column (width,) of each pixel."""
    return k.expand_dims(k.arange(0, height, 1, dtype), 1), k.arange(0, width, 1, dtype)


def _moved(
    k: Kernel,
    images: Any,
    where: Layout,
    place: Any,
    order: int,
    fill_mode: str,
    fill_value: float,
    fine: str,
) -> Any:
    """Images (rank 4) seen through `place(rows, columns)`, which gives two tensors (batch, height, width).

    `fine` is the dtype of the coordinates.
    """
    dtype = k.dtype(images)
    x = wide(k, images if where.channels_last else k.permute_dims(images, (0, 2, 3, 1)))
    batch, height, width, channels = k.shape(x)
    rows, columns = place(*_grid(k, height, width, fine))
    base = k.reshape(k.arange(0, batch, 1, "int32"), (batch, 1, 1))
    line = k.reshape(x, (batch * height * width, channels))
    out = sample(k, line, (height, width), (rows, columns), order, fill_mode, fill_value, base)
    out = _back(k, out, dtype)
    return out if where.channels_last else k.permute_dims(out, (0, 3, 1, 2))


def _affine_places(k: Kernel, maps: Any) -> Any:
    """Where maps (batch, 8) with g = h = 0 take pixels from: a function of rows and columns."""
    a, b, c, d, e, f = (k.reshape(v, (-1, 1, 1)) for v in k.unstack(maps, 1)[:6])
    return lambda y, x: (d * x + e * y + f, a * x + b * y + c)


def _places(k: Kernel, maps: Any) -> Any:
    """The same of any map: `((a x + b y + c) / w, (d x + e y + f) / w)` with `w = g x + h y + 1`."""
    a, b, c, d, e, f, g, h = (k.reshape(v, (-1, 1, 1)) for v in k.unstack(maps, 1))

    def place(y: Any, x: Any) -> tuple[Any, Any]:
        w = g * x + h * y + 1.0
        return (d * x + e * y + f) / w, (a * x + b * y + c) / w

    return place


def _projected(
    k: Kernel, seen: Any, images: Any, maps: Any, where: Layout, interpolation: str, fill_mode: str,
    fill_value: float,
) -> Any:  # fmt: skip
    """Images (rank 4) seen through maps (batch, 8): `seen(images, maps)`, in the kernel's own form where it has one."""
    if not where.channels_last or not k.fused.offers("projected"):
        return seen(images, maps)
    how = {"interpolation": interpolation, "fill_mode": fill_mode, "fill_value": fill_value}
    found = k.fused.projected(images, maps, **how)
    if isinstance(found, Unfit):
        return seen(images, maps)

    def gradients(upstream: Any) -> list[Any]:
        return k.value_and_grad(lambda values: (k.sum(seen(*values) * upstream), ()), [images, maps])[1]

    return k.custom_gradient(lambda images, maps: (found, gradients), (images, maps))


@op("images", "transform", module="image")
def affine_transform(
    k: Kernel,
    images: Tensor,
    transform: Tensor,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Output:
    """Images turned, stretched, sheared and moved.

    The pixel at column x and row y is taken from column `a0 x + a1 y + a2` and row `b0 x + b1 y + b2`.

    Args:
        images: Tensor (height, width, channels) or (batch, height, width, channels); channels in front of height
            for "channels_first".
        transform: Tensor (8,) or (batch, 8): a0, a1, a2, b0, b1, b2 and two zeros.
        interpolation: "nearest" or "bilinear".
        fill_mode: What lies outside: "constant", "nearest", "wrap", "mirror" or "reflect".
        fill_value: The constant.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor of the shape and dtype of the images.

    Raises:
        ValueError: if an argument is unknown or a shape does not fit.

    Example:
        >>> import lamina
        >>> x = lamina.ops.ones((4, 4, 3))
        >>> lamina.ops.image.affine_transform(x, [1.0, 0, 1, 0, 1, 0, 0, 0]).shape == (4, 4, 3)
        True
    """
    order = _check_modes("affine_transform", interpolation, fill_mode)
    where = layout("affine_transform", images, data_format)
    if len(transform.shape) not in (1, 2) or transform.shape[-1] != 8:
        raise ValueError(
            f"affine_transform: `transform` must have shape (8,) or (batch, 8), got {shown(transform.shape)}."
        )
    images, was_single = batched(k, images)
    values = wide(k, transform if len(transform.shape) == 2 else k.expand_dims(transform, 0))
    seen = lambda images, maps: _moved(
        k, images, where, _affine_places(k, maps), order, fill_mode, fill_value, k.dtype(maps)
    )
    out = _projected(k, seen, images, values, where, interpolation, fill_mode, fill_value)
    return single(k, out, was_single)


@op("images", "start_points", "end_points", module="image")
def perspective_transform(
    k: Kernel,
    images: Tensor,
    start_points: Tensor,
    end_points: Tensor,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Output:
    """Images in perspective: four points go to four others.

    The pixel at (x, y) is taken from `((a x + b y + c) / w, (d x + e y + f) / w)` with `w = g x + h y + 1`.

    Args:
        images: Tensor (height, width, channels) or (batch, height, width, channels); channels in front of height
            for "channels_first".
        start_points: Tensor (4, 2) or (batch, 4, 2): columns and rows in the images.
        end_points: Tensor of the same shape: where they are in the result.
        interpolation: "nearest" or "bilinear".
        fill_value: What lies outside.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor of the shape and dtype of the images.

    Raises:
        ValueError: if an argument is unknown or a shape does not fit.

    Example:
        >>> import lamina
        >>> x, corners = lamina.ops.ones((4, 4, 3)), [[0.0, 0.0], [0.0, 3.0], [3.0, 0.0], [3.0, 3.0]]
        >>> lamina.ops.image.perspective_transform(x, corners, corners).shape == (4, 4, 3)
        True
    """
    name = "perspective_transform"
    order = _check_modes(name, interpolation, "constant")
    where = layout(name, images, data_format)
    for points, parameter in ((start_points, "start_points"), (end_points, "end_points")):
        if len(points.shape) not in (2, 3) or tuple(points.shape[-2:]) != (4, 2):
            raise ValueError(
                f"{name}: `{parameter}` must have shape (4, 2) or (batch, 4, 2), got {shown(points.shape)}."
            )
    images, was_single = batched(k, images)
    values = homography(k, start_points, end_points)
    seen = lambda images, maps: _moved(
        k, images, where, _places(k, maps), order, "constant", fill_value, k.dtype(maps)
    )
    out = _projected(k, seen, images, values, where, interpolation, "constant", fill_value)
    return single(k, out, was_single)


def homography(k: Kernel, start: Any, end: Any) -> Any:
    """(batch, 8): the map that brings end points to start points, by one linear equation per coordinate."""
    start, end = (wide(k, p if len(p.shape) == 3 else k.expand_dims(p, 0)) for p in (start, end))
    u, v = end[..., 0], end[..., 1]
    one, zero = k.ones(k.shape(u), k.dtype(end)), k.zeros(k.shape(u), k.dtype(end))
    x, y = start[..., 0], start[..., 1]
    for_x = k.stack([u, v, one, zero, zero, zero, -x * u, -x * v], -1)
    for_y = k.stack([zero, zero, zero, u, v, one, -y * u, -y * v], -1)
    unknowns = k.solve(k.concat([for_x, for_y], 1), k.expand_dims(k.concat([x, y], 1), -1))
    return k.squeeze(unknowns, -1)


@op("images", module="image")
def elastic_transform(
    k: Kernel,
    images: Tensor,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: Any = None,
    data_format: str | None = None,
) -> Output:
    """Images bent at random, as if drawn on rubber.

    Each pixel is taken from beside it, by `alpha` times a smoothed draw of deviation `sigma` in each direction.

    Args:
        images: Tensor (height, width, channels) or (batch, height, width, channels); channels in front of height
            for "channels_first".
        alpha: How strong the bending is.
        sigma: How smooth it is, in pixels.
        interpolation: "nearest" or "bilinear".
        fill_mode: What lies outside: "constant", "nearest", "wrap", "mirror" or "reflect".
        fill_value: The constant.
        seed: An integer, a SeedGenerator or None.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor of the shape and dtype of the images.

    Raises:
        ValueError: if an argument is unknown or the rank does not fit.

    Example:
        >>> import lamina
        >>> lamina.ops.image.elastic_transform(lamina.ops.ones((4, 4, 3)), seed=1).shape == (4, 4, 3)
        True

    Reference:
        Simard et al., 2003: Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis
    """
    order = _check_modes("elastic_transform", interpolation, fill_mode)
    where = layout("elastic_transform", images, data_format)
    images, was_single = batched(k, images)
    sizes = k.shape(images)
    height, width = sizes[1:3] if where.channels_last else sizes[2:4]
    draws = random().normal((sizes[0], height, width, 2), stddev=sigma, seed=seed, dtype="float32")
    size = int(6 * sigma) | 1
    shift = blurred(k, draws, (size, size), (sigma, sigma), True) * alpha

    def place(y: Any, x: Any) -> tuple[Any, Any]:
        return y + shift[..., 1], x + shift[..., 0]

    return single(k, _moved(k, images, where, place, order, fill_mode, fill_value, "float32"), was_single)


def displaced(
    k: Any,
    images: Any,
    shifts: Any,
    interpolation: str,
    fill_mode: str,
    fill_value: float,
    data_format: str | None,
) -> Any:
    """Images (rank 4) whose pixels are taken from beside them, by shifts (batch, height, width, 2) of row and column."""
    where = layout("displaced", images, data_format)

    def place(y: Any, x: Any) -> tuple[Any, Any]:
        return y + shifts[..., 0], x + shifts[..., 1]

    return _moved(k, images, where, place, _ORDERS[interpolation], fill_mode, fill_value, "float32")
