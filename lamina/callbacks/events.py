"""Event files that TensorBoard reads, written by `tensorboard` or `tensorboardX` without TensorFlow."""

from __future__ import annotations

import struct
import time
import zlib
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

_WRITERS = {  # package -> where it keeps the writer and the messages
    "tensorboardX": ("tensorboardX.event_file_writer", "tensorboardX.proto"),
    # imports TensorFlow where that is installed, so it comes second
    "tensorboard": ("tensorboard.summary.writer.event_file_writer", "tensorboard.compat.proto"),
}


def _package() -> tuple[str, str]:
    for name, modules in _WRITERS.items():
        if find_spec(name) is not None:
            return modules
    raise ImportError(
        "The TensorBoard callback needs the package tensorboard or tensorboardX: `pip install tensorboardX`."
    )


class Events:
    """One event file: numbers, histograms, images and texts by step.

    Args:
        folder: Where the file is made.

    Raises:
        ImportError: if neither package is installed.
    """

    def __init__(self, folder: str) -> None:
        writer, messages = _package()
        self._writer = import_module(writer).EventFileWriter(folder)
        self._event = import_module(f"{messages}.event_pb2").Event
        self._summary = import_module(f"{messages}.summary_pb2")
        self._tensor = import_module(f"{messages}.tensor_pb2").TensorProto

    def scalar(self, name: str, value: Any, step: int) -> None:
        """A number."""
        self._add(step, tag=name, simple_value=float(value))

    def histogram(self, name: str, values: Any, step: int, buckets: int = 30) -> None:
        """How numbers are spread; those that are not finite are left out."""
        values = np.asarray(values, "float64").ravel()
        values = values[np.isfinite(values)]
        if not len(values):
            return
        counts, edges = np.histogram(values, buckets)
        made = self._summary.HistogramProto(
            min=values.min(), max=values.max(), num=len(values), sum=values.sum(), sum_squares=(values**2).sum(),
            bucket_limit=edges[1:].tolist(), bucket=counts.tolist(),
        )  # fmt: skip
        self._add(step, tag=name, histo=made)

    def image(self, name: str, pixels: Any, step: int) -> None:
        """A picture of numbers from 0 to 1, (height, width)."""
        pixels = (np.clip(pixels, 0, 1) * 255).astype("uint8")
        height, width = pixels.shape
        made = self._summary.Summary.Image(
            height=height, width=width, colorspace=1, encoded_image_string=_png(pixels)
        )
        self._add(step, tag=name, image=made)

    def text(self, name: str, text: str, step: int, plugin: str = "text") -> None:
        """A text; `plugin` says who shows it."""
        data = self._summary.SummaryMetadata.PluginData(plugin_name=plugin)
        made = self._tensor(dtype=7, string_val=[text.encode()])  # 7 is DT_STRING
        self._add(step, tag=name, tensor=made, metadata=self._summary.SummaryMetadata(plugin_data=data))

    def _add(self, step: int, **value: Any) -> None:
        summary = self._summary.Summary(value=[self._summary.Summary.Value(**value)])
        self._writer.add_event(self._event(wall_time=time.time(), step=int(step), summary=summary))

    def flush(self) -> None:
        """Write what waits."""
        self._writer.flush()

    def close(self) -> None:
        """Write what waits and close the file."""
        self._writer.flush()
        self._writer.close()


def _png(gray: np.ndarray) -> bytes:
    """An image file of gray pixels: a signature, a header, the rows (each behind a 0 for "no filter"), an end."""

    def part(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    height, width = gray.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = np.concatenate([np.zeros((height, 1), "uint8"), gray], 1).tobytes()
    return (
        b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")
    )
