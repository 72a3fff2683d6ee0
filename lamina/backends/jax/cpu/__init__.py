"""XLA on the CPU, tuned. The rest of the backend comes in by this door and works without it.

`LAMINA_JAX_TUNING=0`, or `switch(False)`, turns everything in this folder off: then programs are what JAX makes of them,
slower on a CPU and the same elsewhere.

- `forms.py`: convolutions, pooling, products and positions in forms that XLA compiles well; `windows.py`, `products.py`
  and `bits.py` are what they are made of.
- `plan.py`: how a step is compiled and where it runs; `clients.py`: clients of XLA of their own for loops of steps.
- `constants.py`: every number that was measured. `internals.py`: all that is private to JAX.
"""

from __future__ import annotations

from lamina.backends.jax.cpu import bits, clients, constants, forms, plan
from lamina.backends.jax.cpu.switch import forward_only, inside, on, switch, tracing

__all__ = [
    "bits", "clients", "constants", "forms", "forward_only", "inside", "on", "plan", "switch", "tracing",
]  # fmt: skip
