"""What TorchModuleWrapper needs of torch."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.parameter import UninitializedTensorMixin  # pyright: ignore[reportAttributeAccessIssue]  # not in its stub

from lamina.errors import BackendError
from lamina.kernel.context import real_kernel


def require(layer: str) -> None:
    """That this is the current backend."""
    if real_kernel().name != "torch":
        raise BackendError(
            f"{layer} runs code of torch, but the backend is {real_kernel().name!r}. Start Python with "
            "LAMINA_BACKEND=torch."
        )


def tensors(module: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and buffers of a module by name.

    Raises:
        TypeError: if it is no module.
        ValueError: if a parameter of a lazy module has no shape yet.
    """
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"TorchModuleWrapper: `module` must be a torch.nn.Module, got {module!r}.")
    parameters, buffers = dict(module.named_parameters()), dict(module.named_buffers())
    lazy = [name for name, p in parameters.items() if isinstance(p, UninitializedTensorMixin)]
    if lazy:
        raise ValueError(
            f"TorchModuleWrapper: call the lazy module once before: {lazy[0]!r} has no shape yet."
        )
    return parameters, buffers


def call(
    module: Any, parameters: dict, buffers: dict, training: Any, args: tuple, kwargs: dict
) -> tuple[Any, dict]:
    """The module's outputs with these values, and the buffers afterwards."""
    if training is not None and module.training != bool(training):
        module.train(bool(training))
    moved = {
        name: value.detach().clone() for name, value in buffers.items()
    }  # modules write into their buffers
    outputs = torch.func.functional_call(module, {**parameters, **moved}, args, kwargs)
    return outputs, moved
