"""`keras.mixed_precision.experimental`: the names it had."""

from lamina.mixed_precision import Policy as Policy
from lamina.mixed_precision import global_policy as global_policy
from lamina.mixed_precision import set_global_policy as set_policy

__all__ = ["Policy", "global_policy", "set_policy"]
