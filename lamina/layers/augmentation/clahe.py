"""Local contrast."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.kernel.context import current
from lamina.layers.augmentation.color import Color, blended
from lamina.layers.augmentation.geometry import number
from lamina.layers.augmentation.tones import binned, histograms

_BINS = 256


class ContrastLimitedAdaptiveHistogramEqualization(Color):
    """Spreads the values of each part of an image evenly over the range, without making noise strong (CLAHE).

    Each tile of a grid has a table of its own from its histogram, whose counts are cut at a limit and what was cut off
    spread over all bins; a pixel gets the mean of the tables of the four nearest tiles, weighted by nearness.

    Args:
        clip_limit: How many times the mean a bin may hold.
        tile_grid_size: Rows and columns of tiles.

    Returns:
        Images of the same shape: floats in the compute dtype, integers as integers.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2))
        >>> layer(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True

    Reference:
        Zuiderveld, 1994: Contrast Limited Adaptive Histogram Equalization
    """

    _keeps_integers = True
    _draws = False

    def __init__(
        self, value_range: Any = (0, 255), clip_limit: float = 4.0, tile_grid_size: Any = (8, 8),
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format=data_format, **kwargs)
        self._range(value_range)
        if not isinstance(clip_limit, int | float) or clip_limit <= 0:
            raise ValueError(
                f"{type(self).__name__}: `clip_limit` must be a number above 0, got {clip_limit!r}."
            )
        grid = tuple(tile_grid_size) if isinstance(tile_grid_size, list | tuple) else ()
        if len(grid) != 2 or not all(isinstance(n, int) and n > 0 for n in grid):
            raise ValueError(
                f"{type(self).__name__}: `tile_grid_size` must be two integers of at least 1, got {tile_grid_size!r}."
            )
        self.clip_limit, self.tile_grid_size = clip_limit, grid

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Nothing is random here."""
        return {}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return super().transform_images(images, {}, training=True)

    def _colored(self, images: Any, transformation: Any) -> Any:
        x = images if self.data_format == "channels_last" else ops.transpose(images, (0, 2, 3, 1))
        batch, height, width, channels = ops.shape(x)
        planes = ops.reshape(ops.transpose(x, (0, 3, 1, 2)), (batch * channels, height, width))
        places = binned(planes, self.value_range, _BINS)
        rows, columns = self.tile_grid_size
        tall, wide = -(-height // rows), -(-width // columns)
        tables = self._tables(places, rows, columns, tall, wide)
        out = self._from_unit(self._looked_up(tables, places, rows, columns, tall, wide))
        out = ops.cast(out, self.compute_dtype)  # the tables are wider
        out = ops.transpose(ops.reshape(out, (batch, channels, height, width)), (0, 2, 3, 1))
        return out if self.data_format == "channels_last" else ops.transpose(out, (0, 3, 1, 2))

    def _tables(self, places: Any, rows: int, columns: int, tall: Any, wide: Any) -> Any:
        """(planes * rows * columns, bins): what each tile makes of each bin, in [0, 1]."""
        planes, height, width = ops.shape(places)
        k = current()
        # Border pixels stand for what the last tiles lack; taking them by place works for any missing number.
        down = ops.minimum(ops.arange(0, rows * tall, dtype="int32"), height - 1)
        right = ops.minimum(ops.arange(0, columns * wide, dtype="int32"), width - 1)
        tiles = k.take(k.take(places, down, 1), right, 2)
        tiles = ops.reshape(tiles, (planes, rows, tall, columns, wide))
        tiles = ops.reshape(ops.transpose(tiles, (0, 1, 3, 2, 4)), (planes * rows * columns, tall * wide))
        counts = histograms(tiles, _BINS)
        total = number(tall * wide)
        kept = ops.minimum(counts, self.clip_limit * total / _BINS)
        kept = kept + (total - ops.sum(kept, 1, keepdims=True)) / _BINS
        sums = ops.cumsum(kept, 1)
        first = sums[:, :1]
        return (sums - first) / ops.maximum(total - first, 1e-6)

    def _looked_up(self, tables: Any, places: Any, rows: int, columns: int, tall: Any, wide: Any) -> Any:
        planes, height, width = ops.shape(places)
        y, up, down = _neighbors(height, tall, rows)
        x, left, right = _neighbors(width, wide, columns)
        base = ops.reshape(ops.arange(0, planes, dtype="int32") * (rows * columns), (-1, 1, 1))
        line = ops.reshape(tables, (-1,))
        y = ops.expand_dims(y, 1)
        table = lambda row, column: ops.take(
            line, (base + ops.expand_dims(row, 1) * columns + column) * _BINS + places
        )
        # What four tables agree in stays exactly so, as `blended` has it: as integers it would be cut to one less.
        above, below = (blended(table(row, left), table(row, right), x) for row in (up, down))
        return blended(above, below, y)


def _neighbors(size: Any, tile: Any, count: int) -> tuple[Any, Any, Any]:
    """For each pixel along an axis: how near the next tile is, and the numbers of the tiles before and behind it."""
    place = (ops.arange(0, size, dtype="float32") - number(tile) / 2.0) / number(tile)
    low = ops.floor(place)
    before = ops.cast(ops.clip(low, 0.0, count - 1.0), "int32")
    behind = ops.cast(ops.clip(low + 1.0, 0.0, count - 1.0), "int32")
    return place - low, before, behind
