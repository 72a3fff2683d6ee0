"""Trainer: compile, fit, evaluate, predict and the steps they are made of."""

from __future__ import annotations

from typing import Any

from lamina.callbacks import History
from lamina.core.stateless import run_pure
from lamina.distribution.strategies import as_compiled
from lamina.kernel.tracebacks import folds_frames
from lamina.training.compile.arguments import Compiled
from lamina.training.compile.losses import takes_classes
from lamina.training.feed.ahead import prepared
from lamina.training.feed.arrays import is_array_like
from lamina.training.feed.batch import as_batch, as_it_is, unpack_x_y_sample_weight
from lamina.training.feed.class_weights import ClassWeights
from lamina.training.feed.make import check_count, make_feed, split_validation, warn_of_batch_size
from lamina.training.run import loop, own_steps, predict, steps
from lamina.training.state import ModelState


class Trainer(Compiled):
    """What makes a layer a model that can be trained; `Model` is both."""

    history: Any = None
    train_function: Any = None
    test_function: Any = None
    predict_function: Any = None

    def __init__(self) -> None:
        if "_model_state" not in self.__dict__:
            object.__setattr__(self, "_model_state", ModelState())

    # -- steps --------------------------------------------------------------------------------------------------------

    def train_step(self, *args: Any, **kwargs: Any) -> Any:
        """One step of training; a subclass may define its own, which then runs on every backend.

        Its own is `train_step(self, data)`, which changes variables as it runs, or `train_step(self, state, data)`, as
        Keras has it on jax: a pure function that gives (logs, state). Either may call `super().train_step` alike.

        Args:
            state: (trainable, non-trainable, optimizer's, metrics' values), one per variable of those lists; may be
                left out.
            data: A batch: x, (x, y) or (x, y, sample_weight).

        Returns:
            Name -> scalar: what is shown; with a state, (that, the state afterwards).
        """
        return own_steps.with_or_without_state(self, "train_step", self._train_on, args, kwargs)

    def test_step(self, *args: Any, **kwargs: Any) -> Any:
        """One step of evaluation; a subclass may define its own, in the forms of `train_step`.

        Args:
            state: (trainable, non-trainable, metrics' values); may be left out.
            data: A batch.

        Returns:
            Name -> scalar; with a state, (that, the state afterwards).
        """
        return own_steps.with_or_without_state(self, "test_step", self._test_on, args, kwargs)

    def predict_step(self, *args: Any, **kwargs: Any) -> Any:
        """One step of prediction; a subclass may define its own, in the forms of `train_step`.

        Args:
            state: (trainable, non-trainable values); may be left out.
            data: A batch.

        Returns:
            The model's output; with a state, (that, the non-trainable values afterwards).
        """
        return own_steps.with_or_without_state(self, "predict_step", self._predict_on, args, kwargs)

    def _train_on(self, data: Any) -> dict[str, Any]:
        logs = steps.train(self, data)
        return self.get_metrics_result() if logs is None else logs

    def _test_on(self, data: Any) -> dict[str, Any]:
        logs = steps.test(self, data)
        return self.get_metrics_result() if logs is None else logs

    def _predict_on(self, data: Any) -> Any:
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    # -- functions of an iterator ---------------------------------------------------------------------------------------

    def make_train_function(self, force: bool = False) -> Any:
        """A function of an iterator that takes one batch from it and trains on it; gives the logs.

        Args:
            force: Whether to compile anew.
        """
        if force:
            self._model_state.programs.forget("train")
        self.train_function = lambda iterator: loop.one_batch(
            self, "train", self._batch("train_step", next(iterator))
        )
        return self.train_function

    def make_test_function(self, force: bool = False) -> Any:
        """A function of an iterator that takes one batch from it and evaluates on it; gives the logs.

        Args:
            force: Whether to compile anew.
        """
        if force:
            self._model_state.programs.forget("test")
        self.test_function = lambda iterator: loop.one_batch(
            self, "test", self._batch("test_step", next(iterator))
        )
        return self.test_function

    def make_predict_function(self, force: bool = False) -> Any:
        """A function of an iterator that takes one batch from it and gives the predictions.

        Args:
            force: Whether to compile anew.
        """
        if force:
            self._model_state.programs.forget("predict")
        self.predict_function = lambda iterator: predict.predict_batch(self, as_batch(next(iterator))[:1])
        return self.predict_function

    # -- the public loops -------------------------------------------------------------------------------------------------

    @folds_frames
    @as_compiled
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
        live: Any = False,
    ) -> History:
        """Train the model on data for a number of epochs.

        An epoch is one pass over the data in batches; each batch makes one step: predictions, loss, gradients, and the
        optimizer's update. Metrics begin anew with each epoch, and what is shown is their value over the epoch so far.
        Steps run compiled, many to a dispatch; callbacks are called between them. Ctrl-C waits for the dispatch that
        runs, and the weights are those after it.

        Args:
            x: Inputs. In memory, with as many rows in each:

                - an array (rows, ...): of NumPy, a tensor of the backend or of another framework, nested lists of
                  numbers, a pandas or polars frame, an Arrow table, a sparse matrix of SciPy (made dense batch by batch
                  where it is large), an array of HDF5 or Zarr or a memory map (read in parts where it is large);
                - for several inputs a list of them in the order of the model's inputs, or a dict by the inputs' names
                  (None for an optional one);
                - a data set of columns (Hugging Face): `y` then names the column, or list of columns, of targets.

                Or a source of batches, each x, (x, y) or (x, y, sample_weight) in the structures above:

                - a `lamina.utils.PyDataset`, a `torch.utils.data.DataLoader`, a `tf.data.Dataset`, a Grain loader, any
                  object with `__getitem__` and `__len__`, any iterable: read again for each epoch;
                - a generator or another iterator, which is read once and may be endless: give `steps_per_epoch`.

                Floats become the default width (float32); whole numbers stay. Texts are for models that begin with a
                layer that takes them. A value of NaN in the first batch brings a warning.
            y: Targets (rows, ...) in any of the forms of `x`: one array for one output, a list or a dict by name for
                several, or any structure that mirrors the outputs; None where losses come from `add_loss` alone. Not
                with a source, which gives its own.
            batch_size: Rows per step, a positive integer; None is 32. The last batch of an epoch has the rows that are
                left. With a source it changes nothing, and a warning says so.
            epochs: The number of the last epoch, a positive integer: `initial_epoch=3, epochs=5` trains two.
            verbose: What is shown: 0 or False nothing; 1, True or "auto" a bar that moves, with counter, time left, loss
                and metrics (where output is no terminal or notebook: a line per epoch); 2 a line per epoch.
            callbacks: A `lamina.callbacks.Callback`, or a list of them, called in that order; or a `CallbackList` made
                with `add_history=True`. A `History` is always among them. One that has a hook for batches is called for
                each, or after every `steps_per_execution` steps, so that a dispatch takes no more than that.
            validation_split: A number between 0 and 1: this fraction of the rows is not trained on but evaluated after
                epochs. They are the last rows as they were given, before anything is shuffled. For data in memory; 0 is
                none.
            validation_data: What is evaluated after epochs and not trained on: (x, y) or (x, y, sample_weight) in the
                forms above, or a source of batches. Its loss and metrics are logged as "val_...". It takes the place of
                `validation_split`. Dropout and the like are off; `class_weight` does not apply to it.
            shuffle: True draws a new order of rows for each epoch, False keeps that of the data, "batch" draws an order
                of batches whose rows stay together (for files that are read in parts). Objects with `__getitem__` have
                their batches drawn; other sources keep the order they have. `lamina.utils.set_random_seed` makes it
                repeatable.
            class_weight: A dict of class number -> weight, for one output. The loss and `weighted_metrics` of each sample
                are multiplied by the weight of its class; a class without an entry counts 1. Targets are class numbers,
                one-hot (also smoothed), or with a sparse loss a class number for each step. Given together with sample
                weights, both multiply.
            sample_weight: What the loss and `weighted_metrics` of each sample are multiplied by: (rows,), or (rows, steps)
                for one weight per step. For several outputs a list or dict of them, or one for all. A sample of weight 0
                counts for nothing. Not with a source, which gives its own.
            initial_epoch: The number of the first epoch, from 0, where training goes on.
            steps_per_epoch: Steps after which an epoch ends; None is as many as a pass has. The next epoch goes on where
                this one ended. A pass that is used up ends its epoch early, with a warning, and the next begins a new
                pass; an iterator that is used up ends training. For arrays without `batch_size` the rows are shared out
                over so many steps.
            validation_steps: Steps after which a validation ends; None is all. Each begins with the first batch, but for
                an iterator, which goes on. Fewer batches than steps bring a warning.
            validation_batch_size: Rows per step of validation; None is `batch_size`.
            validation_freq: An integer n validates after every nth epoch; a list or set of numbers after these epochs,
                counted from 1.
            resume: A folder that keeps the whole state of training (weights, optimizer, metrics, random draws, place in
                the data) after every epoch: where it holds one, training goes on from it as if it had not stopped. Or a
                `BackupAndRestore`, which says when to write. None keeps nothing. Not in Keras.
            live: True prints the address of a page that shows the training while it runs, to this machine alone; a folder
                keeps what it shows, for `lamina watch`. False is no page. Not in Keras.

        Returns:
            The `History`: `history.history` is a dict of name -> list with one value for each epoch: "loss", the metrics,
            and "val_..." of them; `history.epoch` has the numbers of the epochs. A second `fit` goes on with the weights
            and the optimizer as they are, with a new history.

        Raises:
            ValueError: if the model is not compiled or has no optimizer, parts of the data differ in rows, data and
                model do not fit (the layer, both shapes and the way out are named), or labels are no classes.
            TypeError: if a callback, or a step of the model's own, does not take what it is given.
            BackendError: if the backend has no gradients (NumPy).

        Example:
            >>> import lamina, numpy as np
            >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> x, y = np.ones((8, 2)), np.ones((8, 1))
            >>> history = model.fit(x, y, batch_size=4, epochs=3, validation_split=0.5, verbose=0)
            >>> sorted(history.history), len(history.history["loss"])
            (['loss', 'val_loss'], 3)
        """
        self._require_training("fit")
        _check_counts(
            epochs=epochs, initial_epoch=initial_epoch, batch_size=batch_size, steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps, validation_batch_size=validation_batch_size,
        )  # fmt: skip
        warn_of_batch_size(x, batch_size)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split_validation((x, y, sample_weight), validation_split)
        feed = make_feed(
            *prepared(self, x, y, sample_weight, batch_size=batch_size, shuffle=shuffle),
            batch_size=batch_size,
            shuffle=shuffle,
            steps=steps_per_epoch,
            class_weight=self._class_weights(class_weight),
            as_given=self._has_own("train_step"),
        )
        validate = None
        if validation_data is not None:
            vx, vy, vw = (
                unpack_x_y_sample_weight(validation_data)
                if isinstance(validation_data, list | tuple)
                else (validation_data, None, None)
            )
            rows = validation_batch_size or batch_size
            if vy is None and is_array_like(vx) and not self._has_own("test_step") and self.loss is not None:
                raise ValueError(
                    "`validation_data` holds inputs and no labels: give (x_val, y_val), or (x_val, y_val, sample_weight)."
                )
            validate = make_feed(
                *prepared(self, vx, vy, vw, batch_size=rows), batch_size=rows, steps=validation_steps,
                as_given=self._has_own("test_step"),
            )  # fmt: skip
        return loop.fit(
            self, feed, validate, epochs=epochs, verbose=_verbosity(verbose), callbacks=callbacks,
            initial_epoch=initial_epoch, steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
            validation_freq=validation_freq, resume=resume, live=live,
        )  # fmt: skip

    @folds_frames
    @as_compiled
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
            The loss, or a list [loss, *metrics] in the order of `metrics_names`, or a dict.
        """
        if kwargs:
            raise TypeError(f"evaluate got unknown arguments: {', '.join(kwargs)}.")
        self._require_compiled("evaluate")
        _check_counts(batch_size=batch_size, steps=steps)
        data = prepared(self, x, y, sample_weight, batch_size=batch_size)
        feed = make_feed(*data, batch_size=batch_size, steps=steps, as_given=self._has_own("test_step"))
        logs = loop.evaluate(self, feed, verbose=_verbosity(verbose), callbacks=callbacks, steps=steps)
        return logs if return_dict else _as_list(logs)

    @folds_frames
    @as_compiled
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
        _check_counts(batch_size=batch_size, steps=steps)
        x, _, _ = prepared(self, x, batch_size=batch_size)
        return predict.predict(
            self, x, batch_size=batch_size, verbose=verbose, steps=steps, callbacks=callbacks
        )

    @folds_frames
    @as_compiled
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
            The loss, or a list [loss, *metrics] in the order of `metrics_names`, or a dict.
        """
        self._require_training("train_on_batch")
        x = self._ahead_of_step(x)
        feed = make_feed(
            x, y, sample_weight, batch_size=2**31, class_weight=self._class_weights(class_weight)
        )
        logs = loop.one_batch(self, "train", feed.tree, fresh=True)
        return logs if return_dict else _as_list(logs)

    @folds_frames
    @as_compiled
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step of evaluation on one batch; its metrics are those of this batch alone.

        Args:
            x, y, sample_weight: The batch.
            return_dict: Whether to give a dict by name.

        Returns:
            The loss, or a list [loss, *metrics] in the order of `metrics_names`, or a dict.
        """
        self._require_compiled("test_on_batch")
        feed = make_feed(self._ahead_of_step(x), y, sample_weight, batch_size=2**31)
        logs = loop.one_batch(self, "test", feed.tree, fresh=True)
        return logs if return_dict else _as_list(logs)

    @folds_frames
    @as_compiled
    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays.

        Args:
            x: The inputs.
        """
        return predict.predict_batch(self, make_feed(self._ahead_of_step(x), batch_size=2**31).tree[:1])

    def _ahead_of_step(self, x: Any) -> Any:
        """One batch as a compiled step takes it: behind the part of the model that works on strings, if there is one."""
        part = getattr(self, "_host_part", None)
        part = None if part is None else part(x)
        return x if part is None else part.ahead(x)

    def _batch(self, step: str, data: Any) -> tuple:
        return as_it_is(data) if self._has_own(step) else as_batch(data)

    def _class_weights(self, given: Any) -> ClassWeights | None:
        return None if given is None else ClassWeights(given, sparse=takes_classes(self.loss))

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
        metric_ids = {id(v) for v in self.metrics_variables}
        fixed = [v for v in self.non_trainable_variables if id(v) not in metric_ids]
        optimizer = self.optimizer.variables if optimizer_variables is not None else []
        variables = [*self.trainable_variables, *fixed, *self.metrics_variables, *optimizer]
        values = [
            *trainable_variables, *non_trainable_variables, *metrics_variables, *(optimizer_variables or ()),
        ]  # fmt: skip

        def forward() -> Any:
            y_pred = self(x, training=training)
            loss = steps.compute_loss(self, x, y, y_pred, sample_weight, training=training)
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


for _step in (
    Trainer.train_step, Trainer.test_step, Trainer.predict_step, Trainer.compute_loss, Trainer.compute_metrics,
):  # fmt: skip
    _step.usual = True  # type: ignore[attr-defined]


def _check_counts(**given: Any) -> None:
    for name, value in given.items():
        check_count(name, value, least=0 if name in ("epochs", "initial_epoch") else 1)


def _verbosity(verbose: Any) -> int:
    if verbose == "auto":
        return 1
    if verbose not in (0, 1, 2, True, False):
        raise ValueError(f"`verbose` must be 0, 1, 2 or 'auto', got {verbose!r}.")
    return int(verbose)


def _as_list(logs: dict[str, Any]) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
