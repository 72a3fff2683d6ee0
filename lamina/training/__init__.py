"""Training: feeding data, compiled steps, the loops."""
