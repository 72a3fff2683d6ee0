"""`keras.constraints`: names of Keras 1 and 2."""

from lamina.constraints import MaxNorm, MinMaxNorm, NonNeg, UnitNorm

__all__ = ["max_norm", "maxnorm", "min_max_norm", "non_neg", "nonneg", "unit_norm", "unitnorm"]

maxnorm = max_norm = MaxNorm
min_max_norm = MinMaxNorm
nonneg = non_neg = NonNeg
unitnorm = unit_norm = UnitNorm
