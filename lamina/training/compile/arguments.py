"""What `compile` is given, and the losses and metrics that come of it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from lamina import losses as losses_of
from lamina import metrics as metrics_of
from lamina import ops, optimizers
from lamina.core.codec import deserialize_arguments, serialize
from lamina.core.stateless import run_pure
from lamina.core.variable import Variable
from lamina.distribution.strategies import distribution_of_scope
from lamina.errors import BackendError
from lamina.kernel.context import current
from lamina.kernel.namespaces import is_ours
from lamina.kernel.tracebacks import folds_frames
from lamina.kernel.trees import leaves
from lamina.training.compile.losses import CompileLoss
from lamina.training.compile.metrics import CompileMetrics
from lamina.training.compile.outputs import Outputs

if TYPE_CHECKING:
    from lamina.core.layer import Layer as _Layer
    from lamina.training.state import ModelState
else:  # mixed into a layer by `Model`
    _Layer = object

_COMPILE_ARGUMENTS = (
    "optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly", "steps_per_execution",
    "jit_compile", "auto_scale_loss",
)  # fmt: skip


class Compiled(_Layer):
    """The part of a model that `compile` makes: an optimizer, losses and metrics."""

    _model_state: ModelState

    optimizer: Any = None
    loss: Any = None
    run_eagerly: bool = False
    jit_compile: Any = "auto"
    steps_per_execution: int = 1
    auto_scale_loss: bool = True
    stop_training: bool = False
    stop_evaluating: bool = False
    stop_predicting: bool = False

    def _has_own(self, name: str) -> bool:
        """Whether the model defines a method of its own, such as a step."""
        return not hasattr(getattr(type(self), name), "usual") or name in self.__dict__

    # -- compile ------------------------------------------------------------------------------------------------------

    @folds_frames
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how the model is trained and judged: before `fit` and `evaluate`, and again after `trainable` changes.

        Weights stay as they are. The optimizer begins anew, unless it is the same object. `predict` needs no `compile`.

        Args:
            optimizer: What turns gradients into updates: an object (`lamina.optimizers.Adam(1e-3)`), its class or its name
                ("adam", with the defaults), a config from `lamina.optimizers.serialize`, or an optimizer of optax through
                its wrapper. None: the model is evaluated, not trained.
            loss: What training makes small.

                - An object (`lamina.losses.Huber()`), its class, a name ("mse", "sparse_categorical_crossentropy"), a
                  config, or a function of (y_true, y_pred) with one value per sample, of which the mean is taken.
                - For several outputs a list in their order, a dict by output name, or any structure that mirrors the
                  outputs; one for all of them; a list of losses for one of them, which are added. An output with None
                  or without an entry is not trained on.
                - None: the losses that layers add (`add_loss`, regularizers) are all. They are added in any case.

                With more than one, each is logged by the name of its output.
            loss_weights: The numbers that losses are multiplied by before they are added, in the structure of `loss`; None
                is 1 each.
            metrics: What is shown beside the loss, without any sample weights: a list of objects, classes, names, or
                functions of (y_true, y_pred) with a value per sample, of which the mean over the epoch is shown. For
                several outputs a dict by output name, or a list with a list for each. "accuracy" (or "acc") and
                "crossentropy" (or "ce") are the binary, categorical or sparse kind, by the shapes of target and
                prediction. Logged by name, for several outputs behind that of the output.
            weighted_metrics: The same, with the sample weights and class weights that `fit` and `evaluate` are given. One
                that `metrics` also holds is logged as "weighted_...".
            run_eagerly: True runs steps as they are written, one at a time, and nothing is run on shapes first: prints,
                breakpoints and NumPy in `call` see numbers, as far as the backend has them while it differentiates.
                Much slower; for debugging. False compiles.
            steps_per_execution: A positive integer: "each batch" of callbacks is so many steps, in `fit`, `evaluate` and
                `predict`. The begin hook gets the number of the first of them, the end hook that of the last. How many
                steps go into one dispatch is chosen by the clock where no callback asks for batches.
            jit_compile: Whether steps go through the backend's compiler where that is a choice. "auto", as False or None,
                does what the backend is fastest with: XLA on jax and graphs on TensorFlow, always; on torch operations
                run one by one. True takes `torch.compile` on torch (a minute or more, for large models), and changes
                nothing elsewhere. Not together with `run_eagerly`.
            auto_scale_loss: Whether, under the policy "mixed_float16", the optimizer is put into a `LossScaleOptimizer`,
                which keeps small gradients from vanishing; other policies need none. False leaves it as it is.

        Raises:
            ValueError: if a name is unknown (the nearest is given), an argument is out of its range, or `run_eagerly` and
                `jit_compile` exclude each other. Losses and metrics that fit no output are found at the first batch.

        Example:
            >>> import lamina
            >>> model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(3, activation="softmax")])
            >>> model.compile(
            ...     optimizer=lamina.optimizers.Adam(1e-3),
            ...     loss="sparse_categorical_crossentropy",
            ...     metrics=["accuracy", lamina.metrics.SparseTopKCategoricalAccuracy(2, name="top2")],
            ... )
            >>> model.optimizer.name
            'adam'
        """
        if not isinstance(steps_per_execution, int) or steps_per_execution < 1:
            raise ValueError(
                f"`steps_per_execution` must be an integer of at least 1, got {steps_per_execution!r}."
            )
        if jit_compile not in (True, False, "auto", None):
            raise ValueError(f"`jit_compile` must be True, False or 'auto', got {jit_compile!r}.")
        if run_eagerly and jit_compile is True:
            raise ValueError("`run_eagerly=True` and `jit_compile=True` exclude each other: choose one.")
        given = {
            "optimizer": optimizer, "loss": loss, "loss_weights": loss_weights, "metrics": metrics,
            "weighted_metrics": weighted_metrics, "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution, "jit_compile": jit_compile,
        }  # fmt: skip
        for one in leaves(loss):  # unknown names are told now, not at the first batch
            losses_of.get(one)
        _check_metric_names(metrics, weighted_metrics)
        found = optimizers.get(optimizer)
        if auto_scale_loss and self.dtype_policy.name == "mixed_float16" and found is not None:
            if not isinstance(found, optimizers.LossScaleOptimizer):
                found = optimizers.LossScaleOptimizer(found, name="loss_scale_optimizer")
        self.__dict__["loss"] = loss  # as it is: a list of losses in an attribute is tracked
        self.optimizer = found  # owned as layers are: its state is part of files and programs
        self.run_eagerly, self.jit_compile = run_eagerly, jit_compile
        self.steps_per_execution, self.auto_scale_loss = steps_per_execution, auto_scale_loss
        self.stop_training = False
        known = self._model_state
        known.compiled, known.given = True, given
        known.distribution = distribution_of_scope()
        known.losses, known.metrics = None, None
        if metrics is not None or weighted_metrics is not None:
            known.metrics = CompileMetrics(metrics, weighted_metrics, self._names_of_outputs)
        known.loss_tracker = metrics_of.Mean(name="loss")
        known.programs.forget("train", "test")
        whole = self.built and all(layer.built for layer in self._flatten_layers())
        if whole and found is not None and not self._has_own("train_step"):
            found.build(self.trainable_variables)

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._model_state.compiled

    def _require_compiled(self, what: str) -> None:
        if not self._model_state.compiled:
            raise ValueError(
                f"Model {self.name!r} must be compiled before `{what}`: call "
                "model.compile(optimizer='adam', loss=..., metrics=[...])."
            )

    def _require_training(self, what: str) -> None:
        self._require_compiled(what)
        k = current()
        if not k.differentiable:
            raise BackendError(
                f"`{what}` needs gradients, which the {k.name!r} backend does not have (it evaluates and predicts). "
                "Choose another one before training: lamina.config.set_backend(...), or the environment variable "
                "LAMINA_BACKEND."
            )
        if self.optimizer is None:
            raise ValueError(
                f"Model {self.name!r} was compiled without an optimizer, so `{what}` cannot train it."
            )

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile` in a form that JSON can hold."""
        if not self._model_state.compiled:
            return None
        cls = type(self)
        first = lambda name: next(c for c in cls.__mro__ if name in c.__dict__)
        own = not is_ours(first("compile"))
        if own and is_ours(first("get_compile_config")):
            warnings.warn(
                f"Model {self.name!r} ({cls.__name__}): `compile` was overridden, so how the model was compiled is not saved. "
                "Compile it again after loading, or override `get_compile_config` and `compile_from_config`, too.",
                stacklevel=2,
            )
            return None
        given = dict(self._model_state.given)
        given["optimizer"] = self.optimizer
        if given["jit_compile"] == "auto":
            given["jit_compile"] = not given["run_eagerly"]
        return {name: serialize(value) for name, value in given.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with what `get_compile_config` gave."""
        if config:
            known = {k: v for k, v in config.items() if k in _COMPILE_ARGUMENTS}
            if known.get("jit_compile") is True:
                # Keras writes what "auto" came to on the backend that wrote it; here it is decided anew
                known["jit_compile"] = "auto"
            self.compile(**deserialize_arguments(known))
            if self.built and self.optimizer is not None:
                self.optimizer.build(self.trainable_variables)

    # -- losses and metrics ---------------------------------------------------------------------------------------------

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The scalar that training minimises: the compiled losses plus those added by layers.

        Args:
            x, y: A batch.
            y_pred: The model's predictions for it.
            sample_weight: Weights.
            training: Whether this is a training step.

        Returns:
            A scalar tensor.

        Raises:
            ValueError: if labels do not fit.
        """
        total: Any = None
        if self._model_state.given.get("loss") is not None and y_pred is not None:
            if self._model_state.losses is None:
                self._make_losses(y_pred)
            losses: Any = self._model_state.losses
            total = losses(y, y_pred, sample_weight)
        for extra in self.losses:
            total = extra if total is None else total + extra
        if total is None:
            warnings.warn(
                f"Model {self.name!r} has nothing to minimise, so its loss is 0: give `compile` a `loss`, or call `add_loss` "
                "in a layer.",
                stacklevel=2,
            )
            return ops.sum(next(leaf for leaf in leaves(y_pred) if leaf is not None)) * 0.0
        return total

    def _make_losses(self, y_pred: Any) -> None:
        outputs, given = Outputs(y_pred, self._names_of_outputs()), self._model_state.given
        self._model_state.losses = CompileLoss(given["loss"], given["loss_weights"], outputs)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Take a batch into the compiled metrics and give all results.

        Args:
            x, y: A batch.
            y_pred: The model's predictions for it.
            sample_weight: Weights.

        Returns:
            Name -> scalar.
        """
        self._update_metrics(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def _update_metrics(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        given, compiled = self._model_state.given, self._model_state.metrics
        if compiled is not None and (given["metrics"] or given["weighted_metrics"]):
            compiled.update_state(y, y_pred, sample_weight)

    def _names_of_outputs(self) -> list[str] | None:
        """The names of all outputs in the order of the trees, where the model has a graph."""
        outputs = getattr(self, "_outputs", None)
        return (
            [x._keras_history.operation.name for x in outputs]
            if outputs
            else getattr(self, "output_names", None)
        )

    def _forget_outputs(self) -> None:
        """What was made for the outputs is made anew at the next batch."""
        self._model_state.losses = None
        if self._model_state.metrics is not None:
            self._model_state.metrics.forget()

    def _track_loss(self, loss: Any, x: Any) -> None:
        tracker = self._model_state.loss_tracker
        if tracker is None:
            return
        first = next((leaf for leaf in leaves(x) if leaf is not None), None)
        rows = 1 if first is None else current().shape(first)[0]
        if getattr(loss, "shape", None) == ():  # nearly always: a third less work
            weight = ops.convert_to_tensor(rows, dtype=tracker.dtype)
            tracker._add(ops.cast(loss, tracker.dtype) * weight, weight)
        else:
            tracker.update_state(loss, sample_weight=rows)

    def get_metrics_result(self) -> dict[str, Any]:
        """The results of all metrics by name."""
        out: dict[str, Any] = {}
        for name, metric in self._named_metrics():
            result = metric.result()
            out.update(result if isinstance(result, dict) else {name: result})
        # a metric may give its variable itself; what leaves a compiled step is a tensor
        return {name: r.value if isinstance(r, Variable) else r for name, r in out.items()}

    def _named_metrics(self) -> list[tuple[str, Any]]:
        """In the order of lists of results: metrics that are logged by their own name, losses, and the others sorted."""
        known = self._model_state
        found: list[tuple[str, Any]] = [] if known.loss_tracker is None else [("loss", known.loss_tracker)]
        entries = [] if known.metrics is None else known.metrics.entries
        found += [(name, metric) for name, metric in entries if name == metric.name]
        if known.losses is not None:
            found += [(t.name, t) for t in known.losses.trackers if t is not None]
        found += [(m.name, m) for layer in self._flatten_layers() for m in layer._metrics]
        return found + sorted((e for e in entries if e[0] != e[1].name), key=lambda entry: entry[0])

    @property
    def metrics(self) -> list[Any]:
        """The metrics: the loss, those that `compile` got as one, the losses of several outputs, then those of layers.

        Each takes `update_state(y, y_pred)`, but for the losses, in a step of your own; `result()` of that which holds the
        compiled ones is a dict by name.
        """
        known = self._model_state
        losses = [] if known.losses is None else known.losses.trackers
        own = [m for layer in self._flatten_layers() for m in layer._metrics]
        return [m for m in (known.loss_tracker, known.metrics) if m is not None] + [*losses, *own]

    @property
    def metrics_names(self) -> list[str]:
        """The names under which results come."""
        return [name for name, _ in self._named_metrics()]

    def reset_metrics(self) -> None:
        """Set all metrics to their beginning."""
        for metric in self.metrics:
            metric.reset_state()

    def stateless_compute_loss(
        self, trainable_variables: Any, non_trainable_variables: Any, metrics_variables: Any,
        x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True,
    ) -> Any:  # fmt: skip
        """`compute_loss` as a pure function of the state.

        Args:
            trainable_variables, non_trainable_variables, metrics_variables: Values, one per variable of those lists.
            x, y, y_pred, sample_weight, training: As for `compute_loss`.

        Returns:
            (loss, (trainable values, non-trainable values, metrics values)).
        """
        metric_ids = {id(v) for v in self.metrics_variables}
        lists = [
            (self.trainable_variables, trainable_variables),
            ([v for v in self.non_trainable_variables if id(v) not in metric_ids], non_trainable_variables),
            (self.metrics_variables, metrics_variables),
        ]
        variables = [v for have, _ in lists for v in have]
        values = [v for have, given in lists for _, v in zip(have, given, strict=True)]
        loss, updated, _ = run_pure(
            lambda: self.compute_loss(x, y, y_pred, sample_weight, training), variables, values
        )
        cut = [len(have) for have, _ in lists]
        return loss, (updated[: cut[0]], updated[cut[0] : cut[0] + cut[1]], updated[cut[0] + cut[1] :])


def _check_metric_names(*given: Any) -> None:
    for structure in given:
        for one in leaves(structure):
            if isinstance(one, str) and one.lower() not in ("accuracy", "acc", "crossentropy", "ce"):
                metrics_of.get(one)
