"""Files of tensors that only a framework can read."""

from __future__ import annotations

import os

import numpy as np


def tensors_in(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The tensors of a file that `torch.save` wrote of a state dict.

    Its reader unpickles tensors and plain containers only: code in the file is refused, not run.

    Args:
        path: The file.

    Returns:
        Arrays by name.

    Raises:
        SerializationError: if it is no such file, or holds something else.
        ImportError: if torch is not installed.
    """
    try:
        from lamina.backends.torch import files
    except ImportError:
        raise ImportError("Reading this file needs torch: pip install torch.") from None
    return files.tensors_in(path)
