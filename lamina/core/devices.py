"""Devices: where new tensors and variables live."""

from __future__ import annotations

from typing import Any

from lamina.kernel.context import real_kernel
from lamina.kernel.tracebacks import folds_frames


@folds_frames
def device(device_name: str) -> Any:
    """A block whose new tensors, and variables that are first read in it, live on this device.

    Args:
        device_name: Its kind and number, such as "cpu:0" or "gpu:1"; "gpu" is the first of its kind. `cuda` means the
            same as `gpu`. `lamina.config.devices()` lists them.

    Returns:
        A context manager.

    Raises:
        ValueError: if there is no such device.

    Example:
        >>> import lamina
        >>> with lamina.device("cpu:0"):
        ...     x = lamina.ops.ones((2,))
    """
    if not isinstance(device_name, str) or not device_name:
        raise ValueError(f"device: expected a name such as 'cpu:0', got {device_name!r}.")
    kind, separator, number = device_name.lower().partition(":")
    if separator and not number.isdigit():
        raise ValueError(f"device: expected a name such as 'cpu:0', got {device_name!r}.")
    k = real_kernel()
    wanted = f"{'gpu' if kind == 'cuda' else kind}:{int(number or 0)}"
    known = k.devices(None)
    if wanted not in known and wanted not in k.devices(kind):
        raise ValueError(
            f"device: backend {k.name!r} has no device {device_name!r}. Devices: {', '.join(known)}."
        )
    return k.device(wanted)


def devices(kind: str | None = None) -> list[str]:
    """The devices that the backend in force sees.

    Args:
        kind: "cpu", "gpu" or "tpu"; None for those that the backend computes on by default.

    Returns:
        Names such as "gpu:0".

    Example:
        >>> import lamina
        >>> lamina.config.devices("cpu")[0]
        'cpu:0'
    """
    k = real_kernel()
    if kind is not None and (not isinstance(kind, str) or not kind):
        raise ValueError(f"devices: `kind` must be a name such as 'cpu' or None, got {kind!r}.")
    return list(k.devices(kind))
