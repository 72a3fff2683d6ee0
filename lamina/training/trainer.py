"""Trainer: compile, fit, evaluate, predict and the steps they are made of."""

from __future__ import annotations

from typing import Any

from lamina.core.transforms import value_and_grad
from lamina.kernel.context import current, state
from lamina.kernel.trees import leaves, map_leaves
from lamina.training import engine, loops, steps
from lamina.training.arrays import arrays
from lamina.training.compiled import Compiled
from lamina.training.data import make_feed, split_validation, unpack_x_y_sample_weight


class Trainer(Compiled):
    """What makes a layer a model that can be trained; `Model` is both."""

    name: str
    trainable_variables: list[Any]
    losses: list[Any]
    jit_compile: Any = "auto"
    run_eagerly = False
    steps_per_execution = 1

    def __init__(self) -> None:
        if "_compiled" in self.__dict__:
            return
        blank = {
            "_compiled": False, "_compile_given": {}, "optimizer": None, "loss": None, "_loss_tracker": None,
            "_compile_loss": None, "_compile_metrics": None, "run_eagerly": False, "jit_compile": "auto",
            "steps_per_execution": 1, "auto_scale_loss": True, "stop_training": False, "history": None,
            "_programs": {}, "train_function": None, "test_function": None, "predict_function": None,
        }  # fmt: skip
        self.__dict__.update(blank)

    def _has_own(self, name: str) -> bool:
        """Whether the model has a step of its own."""
        return getattr(type(self), name) is not getattr(Trainer, name) or name in self.__dict__

    # -- steps --------------------------------------------------------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training; a subclass may define its own, which then runs on every backend.

        Args:
            data: A batch: x, (x, y) or (x, y, sample_weight).

        Returns:
            Name -> scalar: what is shown.
        """
        self._learn(data)
        return self.get_metrics_result()

    def _learn(self, data: Any) -> None:
        x, y, sample_weight = unpack_x_y_sample_weight(data)

        def forward() -> tuple[Any, Any]:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=True)
            return self.optimizer.scale_loss(loss), (loss, y_pred)

        variables = self.trainable_variables
        (_, (loss, y_pred)), gradients = value_and_grad(forward, variables, has_aux=True)()
        if not variables:
            raise ValueError(f"Model {self.name!r} has no trainable weights, so there is nothing to train.")
        self.optimizer.apply(gradients, variables)
        self._track_loss(loss, x)
        self._update_metrics(y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of evaluation; a subclass may define its own.

        Args:
            data: A batch.

        Returns:
            Name -> scalar.
        """
        self._judge(data)
        return self.get_metrics_result()

    def _judge(self, data: Any) -> None:
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        if self._loss_tracker is not None:
            self._track_loss(self.compute_loss(x, y, y_pred, sample_weight, training=False), x)
        self._update_metrics(y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """One step of prediction; a subclass may define its own.

        Args:
            data: A batch.

        Returns:
            The model's output.
        """
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    # -- building from a first batch --------------------------------------------------------------------------------------

    def _build_for(self, sample: Any, *, training: bool) -> None:
        """Build the model, losses, metrics and optimizer from the shapes of a batch, before anything is compiled.

        Errors in shapes come here, in Lamina's words and in microseconds.
        """
        k = current()
        tensors = [leaf for leaf in leaves(sample) if leaf is not None]
        specs = [((None, *leaf.shape[1:]), _dtype_of(k, leaf)) for leaf in tensors]

        def program(given: list[Any]) -> Any:
            table = {id(t): s for t, s in zip(tensors, given, strict=True)}
            batch = map_leaves(lambda leaf: None if leaf is None else table[id(leaf)], sample)
            own = self._has_own("train_step" if training else "test_step")
            (self._judge_shapes_if_it_can if own else self._judge_shapes)(batch)
            return ()

        steps.run_on_shapes(k, program, specs)
        if training and self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def _judge_shapes_if_it_can(self, batch: Any) -> None:
        """A step of the user's own may use the batch in another way: it builds the rest by itself, then."""
        if not _has_own_call(self):
            return
        try:
            self._judge_shapes(batch)
        except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError):
            self.__dict__.update(_compile_loss=None, _compile_metrics=None)

    def _judge_shapes(self, batch: Any) -> None:
        x, y, sample_weight = unpack_x_y_sample_weight(batch)
        y_pred = self(x, training=False)
        if self._compile_given.get("loss") is not None:
            self.compute_loss(x, y, y_pred, sample_weight)
        self._update_metrics(y, y_pred, sample_weight)

    # -- programs -----------------------------------------------------------------------------------------------------

    def _program(self, kind: str, sample: Any) -> Any:
        """The compiled step of a kind ("train" or "test"), made when first needed or when the model has changed."""
        k = current()
        training = kind == "train"
        key = (kind, k, self._structure, self.run_eagerly)
        program = self._programs.get(key)
        if program is None:
            self._build_for(sample, training=training)
            name = "train_step" if training else "test_step"
            own = self._has_own(name)
            step = steps.own_step(self, name) if own else (self._learn if training else self._judge)
            variables, logs = engine.all_variables(self, training=training), None
            engine.prepare(variables, k)
            if own and not self.run_eagerly and (k.functional or k.traced_step):
                touched, logs = steps.probe(k, _cleared(self, step), sample, lambda leaf: _dtype_of(k, leaf))
                engine.prepare(touched, k)
                variables = list(
                    {id(v): v for v in (*engine.all_variables(self, training=training), *touched)}.values()
                )
            if training and self.jit_compile is True and not k.functional and not self.run_eagerly:
                step = k.jit(step)
            program = engine.Program(k, _cleared(self, step), variables, compiled=not self.run_eagerly)
            program.gives_logs, program.logs = own, logs
            key = (kind, k, self._structure, self.run_eagerly)  # building may have changed the model
            for old in [old for old in self._programs if old[0] == kind]:
                del self._programs[old]
            self._programs[key] = program
            program.results = engine.Reader(
                k, self.get_metrics_result, self.metrics_variables, not self.run_eagerly
            )
        return program

    def make_train_function(self, force: bool = False) -> Any:
        """A function of an iterator that takes one batch from it and trains on it; gives the logs.

        Args:
            force: Whether to compile anew.
        """
        if force:
            self._forget_programs()
        self.train_function = lambda iterator: loops.one_batch(self, "train", _batch(next(iterator)))
        return self.train_function

    def make_test_function(self, force: bool = False) -> Any:
        """A function of an iterator that takes one batch from it and evaluates on it; gives the logs.

        Args:
            force: Whether to compile anew.
        """
        if force:
            self._forget_programs()
        self.test_function = lambda iterator: loops.one_batch(self, "test", _batch(next(iterator)))
        return self.test_function

    def make_predict_function(self, force: bool = False) -> Any:
        """A function of an iterator that takes one batch from it and gives the predictions.

        Args:
            force: Whether to compile anew.
        """
        if force:
            self._forget_programs()
        self.predict_function = lambda iterator: loops.predict_batch(self, _batch(next(iterator))[:1])
        return self.predict_function

    # -- the public loops -------------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        resume: Any = None,
    ) -> Any:
        """Train the model.

        Args:
            x: Inputs: arrays (or lists, dicts of arrays), or a source of batches (generator, data set, loader).
            y: Targets, in the structure of the outputs; a source gives them itself.
            batch_size: Rows per step, 32 by default.
            epochs: The number of the last epoch.
            verbose: 0 silent, 1 a progress bar, 2 a line per epoch; "auto" is 1.
            callbacks: Callbacks.
            validation_split: The fraction of the rows, from the end, to validate on.
            validation_data: (x, y), (x, y, sample_weight), or a source of batches.
            shuffle: Whether each epoch has an order of its own; "batch" keeps the rows of a batch together.
            class_weight: Class -> weight.
            sample_weight: A weight per row.
            initial_epoch: The number of the first epoch.
            steps_per_epoch: Steps after which an epoch ends.
            validation_steps, validation_batch_size: The same for validation.
            validation_freq: After how many epochs to validate, or a list of epochs.
            resume: A folder that keeps the whole state of training after every epoch: where there is one already,
                training goes on from it, exactly. Or a `BackupAndRestore`, which says when to write.

        Returns:
            The History.

        Raises:
            ValueError: if the model is not compiled, or data and model do not fit.
        """
        self._require_training("fit")
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split_validation((x, y, sample_weight), validation_split)
        feed = make_feed(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            shuffle=shuffle,
            steps=steps_per_epoch,
            class_weight=class_weight,
        )
        validate = None
        if validation_data is not None:
            vx, vy, vw = (
                unpack_x_y_sample_weight(validation_data)
                if isinstance(validation_data, list | tuple)
                else (validation_data, None, None)
            )
            validate = make_feed(
                vx, vy, vw, batch_size=validation_batch_size or batch_size, steps=validation_steps
            )
        return loops.fit(
            self, feed, validate, epochs=epochs, verbose=_verbosity(verbose), callbacks=callbacks,
            initial_epoch=initial_epoch, steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
            validation_freq=validation_freq, resume=resume,
        )  # fmt: skip

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and metrics on data.

        Args:
            x, y, sample_weight: As for `fit`.
            batch_size: Rows per step, 32 by default.
            verbose: 0 silent, 1 a progress bar, 2 one line; "auto" is 1.
            steps: Steps after which to stop.
            callbacks: Callbacks.
            return_dict: Whether to give a dict by name.

        Returns:
            The loss, or a list [loss, *metrics], or a dict.
        """
        if kwargs:
            raise TypeError(f"evaluate got unknown arguments: {', '.join(kwargs)}.")
        self._require_compiled("evaluate")
        feed = make_feed(x, y, sample_weight, batch_size=batch_size, steps=steps)
        logs = loops.evaluate(self, feed, verbose=_verbosity(verbose), callbacks=callbacks, steps=steps)
        return logs if return_dict else _as_list(logs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for the inputs, as NumPy arrays.

        Args:
            x: Inputs, as for `fit`.
            batch_size: Rows per step, 32 by default.
            verbose: 0 silent, 1 a progress bar, 2 one line; "auto" shows a bar where it takes long.
            steps: Steps after which to stop.
            callbacks: Callbacks.

        Returns:
            Arrays in the structure of the outputs.
        """
        return loops.predict(
            self, x, batch_size=batch_size, verbose=verbose, steps=steps, callbacks=callbacks
        )

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training on one batch; its metrics are those of this batch alone.

        Args:
            x, y, sample_weight: The batch.
            class_weight: Class -> weight.
            return_dict: Whether to give a dict by name.

        Returns:
            The loss, or a list [loss, *metrics], or a dict.
        """
        self._require_training("train_on_batch")
        feed = make_feed(x, y, sample_weight, batch_size=2**31, class_weight=class_weight)
        self.reset_metrics()
        logs = loops.one_batch(self, "train", feed.tree)
        return logs if return_dict else _as_list(logs)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step of evaluation on one batch; its metrics are those of this batch alone.

        Args:
            x, y, sample_weight: The batch.
            return_dict: Whether to give a dict by name.

        Returns:
            The loss, or a list [loss, *metrics], or a dict.
        """
        self._require_compiled("test_on_batch")
        feed = make_feed(x, y, sample_weight, batch_size=2**31)
        self.reset_metrics()
        logs = loops.one_batch(self, "test", feed.tree)
        return logs if return_dict else _as_list(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays.

        Args:
            x: The inputs.
        """
        return loops.predict_batch(self, make_feed(x, batch_size=2**31).tree[:1])

    def jax_state_sync(self) -> None:
        """Kept for Keras: variables are always up to date here, so there is nothing to do."""

    def zero_grad(self) -> None:
        """Forget the gradients that `loss.backward()` left in variables, where the framework keeps them there."""
        for variable in self.trainable_variables:
            if getattr(variable.handle, "grad", None) is not None:
                variable.handle.grad = None

    def compute_loss_and_updates(
        self, trainable_variables: Any, non_trainable_variables: Any, metrics_variables: Any, x: Any, y: Any,
        sample_weight: Any, training: bool = False, optimizer_variables: Any = None,
    ) -> Any:  # fmt: skip
        """The loss and what a forward pass changes, as a pure function of the state.

        Args:
            trainable_variables, non_trainable_variables, metrics_variables: Values, one per variable of those lists.
            x, y, sample_weight: A batch.
            training: Whether this is a training step.
            optimizer_variables: Values of the optimizer's variables, for loss scaling.

        Returns:
            (scaled loss, (loss, predictions, non-trainable values, metrics values)).
        """
        from lamina.core.stateless import run_pure

        metric_ids = {id(v) for v in self.metrics_variables}
        fixed = [v for v in self.non_trainable_variables if id(v) not in metric_ids]
        optimizer = self.optimizer.variables if optimizer_variables is not None else []
        variables = [*self.trainable_variables, *fixed, *self.metrics_variables, *optimizer]
        values = [
            *trainable_variables, *non_trainable_variables, *metrics_variables, *(optimizer_variables or ()),
        ]  # fmt: skip

        def forward() -> Any:
            y_pred = self(x, training=training)
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=training)
            scaled = self.optimizer.scale_loss(loss) if training and self.optimizer is not None else loss
            return scaled, loss, y_pred

        (scaled, loss, y_pred), updated, _ = run_pure(forward, variables, values)
        first = len(self.trainable_variables)
        second = first + len(fixed)
        return scaled, (
            loss,
            y_pred,
            updated[first:second],
            updated[second : second + len(self.metrics_variables)],
        )


def _has_own_call(model: Any) -> bool:
    from lamina.models.model import Model

    return type(model).call is not Model.call


def _batch(data: Any) -> tuple[Any, Any, Any]:
    x, y, sample_weight = unpack_x_y_sample_weight(data)
    return arrays(x, "`x`"), arrays(y, "`y`"), arrays(sample_weight, "`sample_weight`")


def _cleared(model: Any, step: Any) -> Any:
    """The step, leaving no losses of a trace behind."""

    def run(batch: Any) -> Any:
        try:
            return step(batch)
        finally:
            if state.scope is None:
                model._clear_losses()

    return run


def _dtype_of(k: Any, leaf: Any) -> str:
    from lamina.kernel import dtypes

    return k.dtype(leaf) if isinstance(leaf, k.Tensor) else dtypes.standardize(leaf.dtype)


def _verbosity(verbose: Any) -> int:
    if verbose == "auto":
        return 1
    if verbose not in (0, 1, 2, True, False):
        raise ValueError(f"`verbose` must be 0, 1, 2 or 'auto', got {verbose!r}.")
    return int(verbose)


def _as_list(logs: dict[str, Any]) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
