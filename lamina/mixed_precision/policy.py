"""The names of Keras 2 for policies and for the scaling of losses."""

from lamina.core.policy import DTypePolicy as DTypePolicy
from lamina.core.policy import dtype_policy as dtype_policy
from lamina.core.policy import set_dtype_policy as set_dtype_policy
from lamina.optimizers.loss_scale import LossScaleOptimizer as LossScaleOptimizer

Policy, global_policy, set_global_policy = DTypePolicy, dtype_policy, set_dtype_policy
