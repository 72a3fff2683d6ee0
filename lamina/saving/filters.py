"""Filters of HDF5: a packed part of a tensor must unpack to its own size, which HDF5 itself does not ask.

HDF5 makes room for whatever comes out of a filter, however small the tensor is, and reads past the end of what is too short.
So only one packer is known, zlib's, and each part is unpacked here once without being kept.
"""

from __future__ import annotations

import math
import zlib
from typing import Any

import h5py

# in the order in which h5py applies them; each at most once
_KNOWN = {
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_DEFLATE: "gzip",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
}
_OTHERS = {h5py.h5z.FILTER_LZF: "lzf", h5py.h5z.FILTER_SZIP: "szip"}
_ROOM = 4 << 20  # bytes that a part may have, however small the tensor
_SLACK = 4096  # bytes by which packing may make a part longer
_STEP = 1 << 20


def pipeline(data: h5py.Dataset) -> list[int]:
    """The numbers of the filters of a dataset, in their order."""
    made = data.id.get_create_plist()
    return [made.get_filter(i)[0] for i in range(made.get_nfilters())]


def refusal(data: h5py.Dataset) -> str | None:
    """Why the filters of a dataset are not run; None if they are."""
    codes = pipeline(data)
    for code in codes:
        if code in _OTHERS:
            return f"packed with {_OTHERS[code]}: write it again with compression='gzip' or with none"
        if code not in _KNOWN:
            return f"unknown filter number {code}"
    if codes != [code for code in _KNOWN if code in codes]:
        return f"filters in an order that is not h5py's ({', '.join(_KNOWN[code] for code in codes)})"
    return None


def wrong_part(data: h5py.Dataset) -> str | None:
    """What is wrong with the parts of a dataset; None if each unpacks to its own size. Its filters are known ones."""
    if data.chunks is None:
        return None
    size = math.prod(data.chunks) * data.dtype.itemsize
    if size > max(data.nbytes, _ROOM):
        return f"it lies in parts of {size} bytes, more than it has"
    codes = pipeline(data)
    if not codes:
        return None
    end = data.file.id.get_filesize()
    found: list[str] = []

    def look(part: Any) -> bool | None:  # True ends the walk
        held = [code for i, code in enumerate(codes) if not part.filter_mask >> i & 1]
        if part.size > size + size // 64 + _SLACK or part.byte_offset + part.size > end:
            found.append(f"a part of {size} bytes is packed into {part.size}")
        elif _unpacked(data, part, held, size) != size:
            found.append(f"a part of {size} bytes does not unpack to its size")
        return True if found else None

    data.id.chunk_iter(look)
    return found[0] if found else None


def _unpacked(data: h5py.Dataset, part: Any, held: list[int], limit: int) -> int:
    """The size of a part after the filters that were run on it; somewhere above the limit where it is more than that."""
    packed = data.id.read_direct_chunk(part.chunk_offset)[1]
    if h5py.h5z.FILTER_FLETCHER32 in held:
        packed = packed[:-4]
    if h5py.h5z.FILTER_DEFLATE not in held:
        return len(packed)
    unpacker, size = zlib.decompressobj(), 0
    try:
        while size <= limit and (some := unpacker.decompress(packed, _STEP)):
            size, packed = size + len(some), unpacker.unconsumed_tail
    except zlib.error:
        return -1
    return size
