"""Holder: a weight that is computed from other variables, in the place of one (low rank, quantized, tied)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from lamina.core import names, registry
from lamina.core.arithmetic import Arithmetic
from lamina.core.codec import deserialize_arguments, serialize
from lamina.core.tracking import Tracker, made_trainable, own_variables
from lamina.core.variable import Variable
from lamina.errors import SerializationError
from lamina.kernel import symbolic
from lamina.kernel.context import interpreter, real_kernel, state


class Holder(Tracker, Arithmetic, symbolic.Holder):
    r"""A weight computed from others: assigned in the place of a variable, layers use it as one.

    $$ \text{value} = f(\text{base}, v_1, v_2, \dots) $$

    A subclass makes its variables in the constructor and defines `compute`. Assigned to an attribute of a layer, it is
    tracked: its variables stand in `layer.weights` after the layer's own, those that are trained first, and files,
    copies and optimizers hold them. A regularizer of the base applies to the computed value. To have `.keras` files and
    copies of models make it again, register its class (`lamina.saving.register_keras_serializable`).

    Args:
        base: The variable (or holder) in whose place it stands. Its shape, dtype and name are the holder's.

    Raises:
        TypeError: if `base` is neither.
        ValueError: if the base has a constraint, which cannot be put on a value that is computed.

    Example:
        >>> import lamina
        >>> from lamina.core.holder import Holder
        >>> class LowRank(Holder):
        ...     def __init__(self, base, rank):
        ...         super().__init__(base)
        ...         self.freeze(base)
        ...         self.a = self.add_weight((base.shape[0], rank), "glorot_uniform", name="a")
        ...         self.b = self.add_weight((rank, base.shape[1]), "zeros", name="b")
        ...     def compute(self):
        ...         return self.base.value + lamina.ops.matmul(self.a.value, self.b.value)
        >>> dense = lamina.layers.Dense(3)
        >>> dense.build((None, 4))
        >>> dense.kernel = LowRank(dense.kernel, rank=1)
        >>> [v.path for v in dense.trainable_weights]
        ['dense/bias', 'dense/kernel/a', 'dense/kernel/b']

    Reference:
        Hu et al., 2021, LoRA: Low-Rank Adaptation of Large Language Models.
    """

    _tracked_as = "holder"

    def __init__(self, base: Variable | Holder) -> None:
        if not isinstance(base, Variable | Holder):
            raise TypeError(
                f"{type(self).__name__} stands in the place of a variable, got {type(base).__name__} as `base`. Build the "
                "layer first, then assign: layer.kernel = "
                f"{type(self).__name__}(layer.kernel, ...)."
            )
        if base.constraint is not None:
            raise ValueError(
                f"{type(self).__name__} cannot stand in the place of {base.path!r}: the constraint of that variable cannot "
                "be put on a value that is computed. Make the layer without it."
            )
        self.base = base
        self.name, self.path = base.name, base.path
        self.shape, self.dtype = base.shape, base.dtype
        self.constraint, self.regularizer = None, base.regularizer
        base.regularizer = None  # the penalty is on what the layer computes with

    def add_weight(
        self,
        shape: Any,
        initializer: Any = "zeros",
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> Variable:
        """Make a variable of this holder.

        Args:
            shape: Its shape.
            initializer: Its first value: an initializer or its name.
            dtype: A dtype name; the base's when None.
            trainable: Whether optimizers change it.
            name: The last part of its path.

        Returns:
            The Variable.
        """
        with names.name_scope(self.name):
            variable = Variable(initializer, shape, dtype or self.dtype, trainable=trainable, name=name)
        variable.path = f"{self.path}/{variable.name}"
        self._adopt(variable)
        return variable

    def freeze(self, variable: Variable | Holder) -> None:
        """Leave a variable, or all of a holder, as it is for good: `layer.trainable = True` does not train it."""
        for v in own_variables(variable) if isinstance(variable, Holder) else [variable]:
            v.trainable = False
            v.__dict__["_made_trainable"] = False

    def compute(self) -> Any:
        """The value as a tensor, by `lamina.ops` on the values of the variables; subclasses define it."""
        raise NotImplementedError(
            f"{type(self).__name__} must define `compute(self)`, which gives the tensor that its variables stand for."
        )

    @property
    def value(self) -> Any:
        """The tensor, computed anew from the variables as they are."""
        return self.compute()

    @property
    def variables(self) -> list[Variable]:
        """Its variables, those that are trained first: the order of files."""
        return sorted(own_variables(self), key=lambda v: not made_trainable(v))

    @property
    def trainable(self) -> bool:
        """Whether optimizers change any of its variables."""
        return any(v.trainable for v in own_variables(self))

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for v in own_variables(self):
            if made_trainable(v):
                v.trainable = bool(value)

    def assign(self, value: Any) -> None:
        """Not possible: what is computed has no memory of its own."""
        raise TypeError(
            f"{type(self).__name__} {self.path!r} is computed: assign to its variables "
            f"({', '.join(v.path for v in own_variables(self))})."
        )

    def numpy(self) -> np.ndarray:
        """The value as a NumPy array of the caller's own."""
        k = real_kernel()
        before = state.frame
        state.frame = before._replace(autocast=None)
        try:
            with interpreter(k):
                return np.array(k.to_numpy(self.value))
        finally:
            state.frame = before

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        array = self.numpy()
        return array.astype(dtype) if dtype is not None else array

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments but the first, the base, in a form that JSON can hold."""
        return {name: serialize(x) for name, x in list(self._arguments().items())[1:]}

    @classmethod
    def from_config(cls, config: dict[str, Any], base: Variable | Holder | None = None) -> Self:
        """A holder from `get_config`, in the place of a variable."""
        if base is None:
            raise ValueError(
                f"{cls.__name__}.from_config needs the variable in whose place it stands (`base=`)."
            )
        return cls(base, **deserialize_arguments(config))  # type: ignore[call-arg]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} path={self.path}, shape={self.shape}, dtype={self.dtype}>"


def holders_config(layer: Any) -> dict[str, Any]:
    """The holders among a layer's attributes, for its config: name -> class and config, the outermost one first."""

    def one(holder: Holder) -> dict[str, Any]:
        below = {"base": one(holder.base)} if isinstance(holder.base, Holder) else {}
        name = registry.get_registered_name(type(holder))
        return {
            "class_name": type(holder).__name__,
            "registered_name": name,
            "config": holder.get_config(),
        } | below

    found = layer.__dict__["_followed"] if isinstance(layer, Tracker) else ()
    return {name: one(layer.__dict__[name]) for name in found if isinstance(layer.__dict__[name], Holder)}


def put_holders(layer: Any, config: Any, where: str) -> None:
    """Put holders in the places of a layer's variables, as `holders_config` wrote them down."""

    def one(part: Any, base: Any, depth: int = 0) -> Holder:
        if not isinstance(part, dict) or not isinstance(part.get("config"), dict) or depth > 10:
            raise SerializationError(f"{where}: not the config of a holder: {part!r:.80}.")
        cls = registry.find_class(None, str(part.get("class_name")), part.get("registered_name"), {})
        if not (isinstance(cls, type) and issubclass(cls, Holder)):
            raise SerializationError(
                f"{where}: {part.get('registered_name')!r} is not a holder that a file may name. If it is yours, register "
                "its class with @lamina.saving.register_keras_serializable() or pass custom_objects."
            )
        return cls.from_config(
            dict(part["config"]), base=one(part["base"], base, depth + 1) if "base" in part else base
        )

    if not isinstance(config, dict):
        raise SerializationError(f"{where}: the holders of a layer must be a dict, got {config!r:.80}.")
    for name, part in config.items():
        base = layer.__dict__.get(name)
        if not isinstance(base, Variable):
            raise SerializationError(
                f"{where}: a holder stands in the place of the variable {name!r}, which {layer!r} does not have."
            )
        setattr(layer, name, one(part, base))
