"""The optimizers of Keras 2 by their old arguments: each name gives the optimizer of today."""

from __future__ import annotations

from typing import Any

from lamina.core.config import constructor
from lamina.optimizers import adagrad as _adagrad
from lamina.optimizers import adam as _adam
from lamina.optimizers import base
from lamina.optimizers import ftrl as _ftrl
from lamina.optimizers import rmsprop as _rmsprop
from lamina.optimizers import sgd as _sgd


class Optimizer:
    """The base of optimizers in Keras 2; the names beside it give optimizers of today, from `lr` and `decay`, too.

    Args:
        *args, **kwargs: Those of the optimizer.

    Raises:
        ImportError: for one of your own: derive from `lamina.optimizers.Optimizer` and write `update_step`.

    Example:
        >>> import lamina
        >>> type(lamina.optimizers.legacy.SGD(lr=0.1, decay=1e-6, momentum=0.9))
        <class 'lamina.optimizers.SGD'>
    """

    today: type[base.Optimizer]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if "today" not in vars(cls):
            raise ImportError(
                f"{cls.__name__}: optimizers of your own derive from lamina.optimizers.Optimizer and write "
                "`update_step(gradient, variable, learning_rate)`."
            )
        bound = constructor(cls.today).bind_partial(*args).arguments
        return cls.today.from_config({**bound, **kwargs})


class SGD(Optimizer):
    """`lamina.optimizers.SGD`, from the arguments of Keras 2.

    Args:
        *args, **kwargs: Those of Keras 2, `lr` and `decay` among them, or those of today.

    Example:
        >>> import lamina
        >>> float(lamina.optimizers.legacy.SGD(lr=0.5).learning_rate)
        0.5
    """

    today = _sgd.SGD


class RMSprop(Optimizer):
    """`lamina.optimizers.RMSprop`, from the arguments of Keras 2.

    Args:
        *args, **kwargs: Those of Keras 2, `lr` and `decay` among them, or those of today.

    Example:
        >>> import lamina
        >>> float(lamina.optimizers.legacy.RMSprop(lr=0.5).learning_rate)
        0.5
    """

    today = _rmsprop.RMSprop


class Adam(Optimizer):
    """`lamina.optimizers.Adam`, from the arguments of Keras 2.

    Args:
        *args, **kwargs: Those of Keras 2, `lr` and `decay` among them, or those of today.

    Example:
        >>> import lamina
        >>> float(lamina.optimizers.legacy.Adam(lr=0.5).learning_rate)
        0.5
    """

    today = _adam.Adam


class Adagrad(Optimizer):
    """`lamina.optimizers.Adagrad`, from the arguments of Keras 2.

    Args:
        *args, **kwargs: Those of Keras 2, `lr` and `decay` among them, or those of today.

    Example:
        >>> import lamina
        >>> float(lamina.optimizers.legacy.Adagrad(lr=0.5).learning_rate)
        0.5
    """

    today = _adagrad.Adagrad


class Ftrl(Optimizer):
    """`lamina.optimizers.Ftrl`, from the arguments of Keras 2.

    Args:
        *args, **kwargs: Those of Keras 2, `lr` and `decay` among them, or those of today.

    Example:
        >>> import lamina
        >>> float(lamina.optimizers.legacy.Ftrl(lr=0.5).learning_rate)
        0.5
    """

    today = _ftrl.Ftrl
