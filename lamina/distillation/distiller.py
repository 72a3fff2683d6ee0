"""Distiller: a model that trains a student with a teacher."""

from __future__ import annotations

from typing import Any

from lamina import metrics, ops
from lamina.core.codec import deserialize, serialize
from lamina.distillation.losses import DistillationLoss
from lamina.kernel.trees import leaves, map_leaves
from lamina.models.functional import Functional
from lamina.models.model import Model


class Distiller(Model):
    """Training of a student on labels and on what a teacher gives for the same inputs.

    `loss = a student loss + (1 - a) sum_i w_i distillation_loss_i`

    The teacher is frozen and runs as in inference. `predict` gives what the student gives. Results name the parts:
    `student_loss`, `distillation_loss`, `total_loss`.

    Args:
        teacher: A trained model.
        student: The model to train, with inputs and outputs of the same shapes.
        distillation_losses: One DistillationLoss, or several.
        distillation_loss_weights: The weights w, one for each; 1 by default.
        student_loss_weight: The weight a of the loss that `compile` is given, from 0 to 1.
        name: A name.
        **kwargs: `dtype`, `trainable`.

    Raises:
        TypeError: if a loss is no DistillationLoss.
        ValueError: if the models or the numbers of losses and weights do not fit.

    Example:
        >>> import lamina
        >>> net = lambda units: lamina.Sequential(
        ...     [lamina.Input((4,)), lamina.layers.Dense(units, activation="relu"), lamina.layers.Dense(3)])
        >>> distiller = lamina.distillation.Distiller(
        ...     teacher=net(32), student=net(4), distillation_losses=lamina.distillation.LogitsDistillation())
        >>> distiller.compile("sgd", lamina.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
        >>> history = distiller.fit(np.ones((8, 4)), np.zeros(8), verbose=0)
        >>> sorted(history.history)
        ['distillation_loss', 'loss', 'student_loss', 'total_loss']

    Reference:
        Hinton, Vinyals and Dean, 2015: Distilling the Knowledge in a Neural Network, https://arxiv.org/abs/1503.02531
    """

    _teacher_view: Any
    _student_view: Any

    def __init__(
        self, teacher: Model, student: Model, distillation_losses: Any, distillation_loss_weights: Any = None,
        student_loss_weight: float = 0.5, name: str = "distiller", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        found = (
            list(distillation_losses)
            if isinstance(distillation_losses, list | tuple)
            else [distillation_losses]
        )
        weights = [1.0] * len(found) if distillation_loss_weights is None else distillation_loss_weights
        weights = [float(w) for w in (weights if isinstance(weights, list | tuple) else [weights])]
        _check(teacher, student, found, weights, student_loss_weight)
        self.teacher, self.student = teacher, student
        self.teacher.trainable = False
        self.distillation_losses = found
        self.distillation_loss_weights = weights
        self.student_loss_weight = float(student_loss_weight)
        self.student_loss_tracker = metrics.Mean(name="student_loss")
        self.distillation_loss_tracker = metrics.Mean(name="distillation_loss")
        self.total_loss_tracker = metrics.Mean(name="total_loss")
        # Models that give what the losses compare, beside the output; they own nothing, so they are not tracked.
        names = [(loss.teacher_layer_name, loss.student_layer_name) for loss in found]
        self.__dict__["_teacher_view"] = _View(teacher, [t for t, _ in names])
        self.__dict__["_student_view"] = _View(student, [s for _, s in names])
        self.__dict__["_seen"] = None

    def build(self, input_shape: Any = None) -> None:
        """Build the models that are not built yet."""
        for model in (self.teacher, self.student):
            if not model.built:
                model.build(input_shape)
        self.built = True

    def call(self, inputs: Any, training: Any = None, **kwargs: Any) -> Any:
        """What the student gives."""
        if not training:
            return self.student(inputs, training=training, **kwargs)
        outputs, features = self._student_view.run(inputs, training)
        self.__dict__["_seen"] = features  # for `compute_loss` of the same step, which takes it away
        return outputs

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The student's loss and the distillation losses, weighted.

        Args:
            x, y: A batch.
            y_pred: What the student gave for it.
            sample_weight: Weights of the student's loss.
            training: Whether this is a training step.

        Returns:
            A scalar tensor.
        """
        seen, self.__dict__["_seen"] = self.__dict__["_seen"], None
        if self.student_loss_weight == 0 and (self.get_compile_config() or {}).get("loss") is None:
            student_loss: Any = ops.zeros(())
        else:
            student_loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if seen is None:
            y_pred, seen = self._student_view.run(x, training)
        _, wanted = self._teacher_view.run(x, False)
        distillation: Any = ops.zeros(())
        for loss, weight, t, s in zip(
            self.distillation_losses, self.distillation_loss_weights, wanted, seen, strict=True
        ):
            distillation = distillation + weight * loss.compute_loss(_constant(t), s)
        part = self.student_loss_weight
        total = part * student_loss + (1 - part) * distillation
        rows = next(iter(leaves(x))).shape[0]
        for tracker, value in (
            (self.student_loss_tracker, student_loss), (self.distillation_loss_tracker, distillation),
            (self.total_loss_tracker, total),
        ):  # fmt: skip
            tracker.update_state(value, sample_weight=rows)
        return total

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the models and losses as configs."""
        return {
            "name": self.name, "trainable": self.trainable, "dtype": serialize(self.dtype_policy),
            "teacher": serialize(self.teacher), "student": serialize(self.student),
            "distillation_losses": [serialize(loss) for loss in self.distillation_losses],
            "distillation_loss_weights": list(self.distillation_loss_weights),
            "student_loss_weight": self.student_loss_weight,
        }  # fmt: skip

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Distiller:
        """A distiller from `get_config`."""
        found = dict(config)
        for name in ("teacher", "student", "dtype"):
            if name in found:
                found[name] = deserialize(found[name], custom_objects)
        found["distillation_losses"] = [deserialize(c, custom_objects) for c in found["distillation_losses"]]
        return cls(**found)


class _View:
    """A model's output, and the outputs of layers in it, in one run."""

    def __init__(self, model: Model, names: list[str | None]) -> None:
        self.model, self.names = model, names
        self.whole: Functional | None = None
        if any(name is not None for name in names):
            inner = [model.output if n is None else model.get_layer(name=n).output for n in names]
            self.whole = Functional(model.input, [model.output, inner])

    def run(self, x: Any, training: Any) -> tuple[Any, list[Any]]:
        """The output and the features of a batch."""
        if self.whole is None:
            outputs = self.model(x, training=training)
            return outputs, [outputs] * len(self.names)
        outputs, features = self.whole(x, training=training)
        return outputs, features


def _constant(structure: Any) -> Any:
    return map_leaves(ops.stop_gradient, structure)


def _check(teacher: Any, student: Any, losses: list[Any], weights: list[float], part: Any) -> None:
    for role, model in (("teacher", teacher), ("student", student)):
        if not isinstance(model, Model):
            raise ValueError(
                f"Distiller: the {role} must be a model, got {model!r} ({type(model).__name__})."
            )
    if not isinstance(part, int | float) or not 0 <= part <= 1:
        raise ValueError(f"Distiller: `student_loss_weight` must be from 0 to 1, got {part!r}.")
    if len(weights) != len(losses) or min(weights, default=0) < 0:
        raise ValueError(
            f"Distiller: `distillation_loss_weights` must be one number for each of the {len(losses)} losses, none below "
            f"0, got {weights}."
        )
    _check_shapes(teacher, student)
    for loss in losses:
        if not isinstance(loss, DistillationLoss):
            raise TypeError(
                f"Distiller: expected losses such as lamina.distillation.LogitsDistillation(), got {loss!r} "
                f"({type(loss).__name__})."
            )
        loss.validate_model_compatibility(teacher, student)


def _check_shapes(teacher: Any, student: Any) -> None:
    """Inputs and outputs of models that are graphs are as many, and of the same shapes."""
    if not isinstance(teacher, Functional) or not isinstance(student, Functional):
        return
    if not teacher.built or not student.built:
        return
    for what in ("input", "output"):
        ours, theirs = (list(leaves(getattr(model, what))) for model in (teacher, student))
        shapes = [tuple(x.shape) for x in ours], [tuple(x.shape) for x in theirs]
        same = len(ours) == len(theirs) and all(
            len(a) == len(b) and all(n is None or m is None or n == m for n, m in zip(a, b, strict=True))
            for a, b in zip(*shapes, strict=True)
        )
        if not same:
            raise ValueError(
                f"Distiller: the teacher's {what}s have the shapes {shapes[0]}, the student's {shapes[1]}; they must fit."
            )
