"""State dicts in files of torch, read without running code."""

from __future__ import annotations

import os
import pickle

import numpy as np
import torch

from lamina.errors import SerializationError


def tensors_in(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The tensors of a saved state dict as arrays, also where it lies under "state_dict" or "model"."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise SerializationError(
            f"{os.fspath(path)}: not a file of tensors that torch reads without running code ({error!s:.200}). Save the "
            "state dict alone: torch.save(model.state_dict(), path)."
        ) from None
    for key in ("state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(isinstance(v, torch.Tensor) for v in found.values()):
        raise SerializationError(
            f"{os.fspath(path)}: expected a state dict (tensors by name), got {type(found).__name__}. Save it with "
            "torch.save(model.state_dict(), path)."
        )
    return {name: tensor.float().numpy() for name, tensor in found.items()}
