"""Settings for tests on eight devices: what is compared to 1e-5 need not be compiled as users have it."""

from lamina.backends.jax.cpu import plan

plan.for_every_step.clear()
