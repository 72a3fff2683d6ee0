"""How far a student is from its teacher: in their outputs, or in features inside them."""

from __future__ import annotations

from typing import Any

from lamina import losses, ops
from lamina.core.config import Configurable
from lamina.kernel.namespaces import is_ours
from lamina.kernel.trees import leaves, map_leaves
from lamina.losses.loss import Loss
from lamina.tree import assert_same_structure


class DistillationLoss:
    """Base of distillation losses: a subclass defines `compute_loss`.

    Example:
        >>> import lamina
        >>> class Distance(lamina.distillation.DistillationLoss):
        ...     def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        ...         return lamina.ops.mean(lamina.ops.abs(teacher_outputs - student_outputs))
        >>> float(Distance().compute_loss(lamina.ops.ones((2, 3)), lamina.ops.zeros((2, 3))))
        1.0
    """

    # Names of layers whose outputs are compared; None for the models' outputs.
    teacher_layer_name: str | None = None
    student_layer_name: str | None = None

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The loss of a batch.

        Args:
            teacher_outputs, student_outputs: Tensors, or structures of them.
            **kwargs: For losses of one's own.

        Returns:
            A scalar tensor.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no `compute_loss`: define "
            "`def compute_loss(self, teacher_outputs, student_outputs, **kwargs): ...`."
        )

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Check that outputs can be compared.

        Raises:
            ValueError: if their structures differ.
        """
        if len(list(leaves(teacher_outputs))) != len(list(leaves(student_outputs))):
            raise ValueError(
                f"{type(self).__name__}: the teacher has {len(list(leaves(teacher_outputs)))} outputs and the student "
                f"{len(list(leaves(student_outputs)))}; they must be as many."
            )
        assert_same_structure(teacher_outputs, student_outputs)

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Check that the models have what is compared.

        Raises:
            ValueError: if they do not.
        """


class _Compared(DistillationLoss, Configurable):
    """One loss for each output, or for all of them."""

    def __init__(self, loss: Any) -> None:
        self.loss = map_leaves(lambda one: None if one is None else losses.get(one), loss)
        if all(one is None for one in leaves([self.loss])):
            raise ValueError(
                f"{type(self).__name__}: at least one loss of `loss` must not be None, got {loss!r}."
            )

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The sum of the losses of the outputs.

        Args:
            teacher_outputs, student_outputs: Tensors, or structures of them.

        Returns:
            A scalar tensor.

        Raises:
            ValueError: if losses and outputs differ in structure.
        """
        self.validate_outputs(teacher_outputs, student_outputs)
        total: Any = 0.0
        for loss, t, s in zip(
            self._losses(student_outputs), leaves(teacher_outputs), leaves(student_outputs), strict=True
        ):
            if loss is not None:
                total = total + ops.mean(self._compared(loss, t, s))
        return total

    def _losses(self, outputs: Any) -> list[Any]:
        if self.loss is None or not isinstance(self.loss, list | tuple | dict):
            return [self.loss] * len(list(leaves(outputs)))
        if isinstance(self.loss, dict) and isinstance(outputs, dict):
            return [self.loss.get(key) for key in sorted(outputs)]
        found = list(leaves([self.loss])) if isinstance(self.loss, dict) else list(self.loss)
        if len(found) != len(list(leaves(outputs))):
            raise ValueError(
                f"{type(self).__name__}: `loss` has {len(found)} entries, but there are {len(list(leaves(outputs)))} "
                "outputs. Give one for each; None leaves an output out."
            )
        return found

    def _compared(self, loss: Any, teacher: Any, student: Any) -> Any:
        return loss(teacher, student)


class LogitsDistillation(_Compared):
    """Distance of the student's outputs (logits) from the teacher's, both softened by a temperature.

    `loss = T^2 KL(softmax(teacher / T) || softmax(student / T))`

    The Kullback-Leibler divergence and cross-entropy compare the softened probabilities; the factor keeps their
    gradients as large at any temperature. Other losses compare `teacher / T` and `student / T` themselves.

    Args:
        temperature: T. The higher, the more the teacher's small probabilities count; usually 3 to 5.
        loss: A loss, its name, or a structure of them in that of the outputs; None leaves an output out.

    Raises:
        ValueError: if the temperature is not positive, or there is no loss.

    Example:
        >>> import lamina
        >>> loss = lamina.distillation.LogitsDistillation(temperature=2.0)
        >>> logits = lamina.ops.array([[1.0, 2.0, 3.0]])
        >>> float(loss.compute_loss(logits, logits))
        0.0

    Reference:
        Hinton, Vinyals and Dean, 2015: Distilling the Knowledge in a Neural Network, https://arxiv.org/abs/1503.02531
    """

    def __init__(self, temperature: float = 3.0, loss: Any = "kl_divergence") -> None:
        super().__init__(loss)
        if isinstance(temperature, bool) or not isinstance(temperature, int | float) or temperature <= 0:
            raise ValueError(
                f"LogitsDistillation: `temperature` must be a positive number, got {temperature!r}."
            )
        self.temperature = temperature

    def _compared(self, loss: Any, teacher: Any, student: Any) -> Any:
        teacher, student = teacher / self.temperature, student / self.temperature
        if isinstance(loss, losses.KLDivergence) or loss is losses.kl_divergence:
            return loss(ops.softmax(teacher), ops.softmax(student)) * self.temperature**2
        if isinstance(loss, losses.CategoricalCrossentropy) or loss is losses.categorical_crossentropy:
            if not isinstance(loss, Loss) or not loss.get_config().get("from_logits"):
                student = ops.softmax(student)
            return loss(ops.softmax(teacher), student) * self.temperature**2
        return loss(teacher, student)


class FeatureDistillation(_Compared):
    """Distance of features inside the student from features inside the teacher.

    `loss = mean((teacher - student)^2)`, or another distance

    Args:
        loss: A loss, its name, or a structure of them in that of the layer's outputs; None leaves an output out.
        teacher_layer_name, student_layer_name: The layers; None for the models' outputs.

    Raises:
        ValueError: if there is no loss; with a Distiller, if a model has no such layer or the shapes differ.

    Example:
        >>> import lamina
        >>> loss = lamina.distillation.FeatureDistillation("mse")
        >>> float(loss.compute_loss(lamina.ops.ones((2, 3)), lamina.ops.zeros((2, 3))))
        1.0

    Reference:
        Romero et al., 2015: FitNets: Hints for Thin Deep Nets, https://arxiv.org/abs/1412.6550
    """

    def __init__(
        self, loss: Any = "mse", teacher_layer_name: str | None = None, student_layer_name: str | None = None
    ) -> None:
        super().__init__(loss)
        self.teacher_layer_name = teacher_layer_name
        self.student_layer_name = student_layer_name

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Check that the models have the layers, and that these can be compared.

        Raises:
            ValueError: if a layer is missing, or shapes differ that the loss compares entry by entry.
        """
        found = []
        for role, model, name in (
            ("teacher", teacher, self.teacher_layer_name), ("student", student, self.student_layer_name)
        ):  # fmt: skip
            if name is None:
                found.append(model.output)
                continue
            try:
                found.append(model.get_layer(name=name).output)
            except ValueError as error:
                raise ValueError(f"FeatureDistillation: the {role} has no layer {name!r}. {error}") from None
        own = isinstance(self.loss, Loss) and not is_ours(self.loss)
        for t, s in zip(leaves(found[0]), leaves(found[1]), strict=False):
            if not own and len(t.shape) == len(s.shape) and t.shape[-1] != s.shape[-1]:
                raise ValueError(
                    f"FeatureDistillation: the teacher's features have shape {t.shape}, the student's {s.shape}; they are "
                    "compared entry by entry. Choose layers of one size, or put a Dense layer after the student's."
                )
