"""Whether programs are tuned for the CPU."""

from __future__ import annotations

import os

import jax

from lamina.backends.jax.cpu.internals import HAS_PRIMITIVES

_on = os.environ.get("LAMINA_JAX_TUNING", "1").lower() not in ("0", "off", "false", "no")


def on() -> bool:
    """Whether what is traced now is tuned: compiled for the CPU, and not switched off."""
    return _on and HAS_PRIMITIVES and jax.default_backend() == "cpu"


def switch(flag: bool) -> bool:
    """Tune what is traced from here on, or leave it as JAX has it; programs that exist stay as they are.

    Returns:
        Whether it was on before.
    """
    global _on
    before, _on = _on, bool(flag)
    return before
