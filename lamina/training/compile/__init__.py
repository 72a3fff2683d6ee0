"""What `compile` is given: losses and metrics by output."""
