"""Kinds of behavior that users see, each as a small program that gives the same with Keras and with Lamina."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle import keras

import lamina
from lamina import backends
from lamina.core.masks import get_mask, set_mask
from lamina.kernel.context import interpreter

X = np.arange(12, dtype="float32").reshape(2, 3, 2)
MASK = np.array([[1, 1, 0], [1, 0, 0]], bool)
OTHER = np.array([[1, 0, 0], [1, 1, 0]], bool)
PROGRAMS: dict[str, Callable[[Any], Any]] = {}
BACKENDS = ["jax", "torch", "tensorflow"]


def program(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    PROGRAMS[run.__name__] = run
    return run


def each(name: str, values: list[Any]) -> Callable[..., Any]:
    """The same program for each of these values."""

    def add(run: Callable[[Any, Any], Any]) -> Any:
        for value in values:
            PROGRAMS[f"{name}-{value}"] = lambda K, value=value: run(K, value)
        return run

    return add


def numbers(x: Any) -> Any:
    if isinstance(x, list | tuple):
        return [numbers(v) for v in x]
    x = getattr(x, "value", x)
    x = np.asarray(x.detach() if hasattr(x, "detach") else x)
    return np.round(x, 4).tolist() if x.dtype.kind == "f" else x.tolist()


def masked(K: Any, x: np.ndarray, mask: np.ndarray | None) -> Any:
    tensor = K.ops.convert_to_tensor(x.copy())
    if mask is not None:
        given = K.ops.convert_to_tensor(mask)
        keras.src.backend.set_keras_mask(tensor, given) if K is keras else set_mask(tensor, given)
    return tensor


def mask_of(K: Any, x: Any) -> Any:
    found = getattr(x, "_keras_mask", None) if K is keras else get_mask(x)
    return None if found is None else numbers(found)


def warned(run: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run()
    return sorted({w.category.__name__ for w in caught if w.category is UserWarning})


# -- masks -------------------------------------------------------------------------------------------------------------

MERGES = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]


@each("merge", MERGES)
def merge(K: Any, name: str) -> Any:
    layer = getattr(K.layers, name)()
    y = layer([masked(K, X, MASK), masked(K, X[::-1], OTHER)])
    one = layer([masked(K, X, MASK), masked(K, X[::-1], None)])
    return numbers(y), mask_of(K, y), numbers(one), mask_of(K, one)


@each("three", ["Multiply", "Maximum", "Minimum"])
def merge_three(K: Any, name: str) -> Any:
    third = np.array([[1, 0, 1], [0, 1, 0]], bool)
    inputs = [masked(K, X, MASK), masked(K, X[::-1], OTHER), masked(K, X + 0.5, third)]
    return numbers(getattr(K.layers, name)()(inputs))


@each("drawn", ["Multiply", "Maximum", "Concatenate"])
def merge_in_a_graph(K: Any, name: str) -> Any:
    first, second = K.Input((3,)), K.Input((3,))
    embed = lambda x: K.layers.Embedding(5, 2, mask_zero=True, embeddings_initializer="ones")(x)
    model = K.Model([first, second], getattr(K.layers, name)()([embed(first), embed(second)]))
    y = model([np.array([[1, 0, 2]]), np.array([[1, 2, 0]])])
    return numbers(y), mask_of(K, y)


@program
def a_layer_behind_a_masking_one_gets_a_mask_while_it_is_drawn(K: Any) -> Any:
    seen = []

    class Custom(K.layers.Layer):
        supports_masking = True

        def call(self, x: Any, mask: Any = None) -> Any:
            seen.append(mask is None)
            return x

    Custom()(Custom()(K.layers.Masking()(K.Input((3, 2)))))
    return set(seen)


@each("softmax", [np.array([[[True, False]]]), np.array([True, False]), np.ones((2, 3, 2), bool)])
def softmax_masks(K: Any, mask: Any) -> Any:
    return numbers(K.layers.Softmax()(X, mask=mask))


@program
def batch_normalization_mask_of_fewer_dimensions(K: Any) -> Any:
    layer = K.layers.BatchNormalization()
    y = layer(np.arange(24, dtype="float32").reshape(2, 3, 2, 2), training=True, mask=MASK[..., None])
    return numbers(y), numbers(layer.moving_mean)


@each("attention", [{}, {"use_causal_mask": True}])
def attention_masks(K: Any, options: Any) -> Any:
    return [
        numbers(layer([X, X], mask=mask, **options))
        for layer in (K.layers.Attention(), K.layers.AdditiveAttention(use_scale=False))
        for mask in ([MASK, MASK], [MASK, None], [None, MASK])
    ]


@each("heads", [{}, {"use_causal_mask": True}, {"query_mask": MASK}, {"value_mask": MASK, "key_mask": OTHER}])
def attention_heads_masks(K: Any, options: Any) -> Any:
    layer = K.layers.MultiHeadAttention(1, 2)
    layer.build((2, 3, 2), (2, 3, 2))
    layer.set_weights([np.full(w.shape, 0.1 * i) for i, w in enumerate(layer.weights, 1)])
    return numbers(layer(X, X, **options)), mask_of(K, layer(masked(K, X, MASK), masked(K, X, MASK)))


# -- errors ------------------------------------------------------------------------------------------------------------

LARGE = [
    ("Conv2D", {"filters": 2, "kernel_size": 5}, (1, 3, 3, 1)), ("Conv1D", {"filters": 2, "kernel_size": 9}, (1, 5, 1)),
    ("Conv1D", {"filters": 2, "kernel_size": 3, "dilation_rate": 4}, (1, 5, 1)),
    ("Conv2D", {"filters": 2, "kernel_size": 0}, (1, 3, 3, 1)), ("Conv2D", {"filters": 2, "kernel_size": (3,)}, (1, 3, 3, 1)),
    ("DepthwiseConv2D", {"kernel_size": 5}, (1, 3, 3, 1)), ("Cropping1D", {"cropping": 3}, (1, 5, 1)),
    ("SeparableConv2D", {"filters": 2, "kernel_size": 5}, (1, 3, 3, 1)), ("Cropping2D", {"cropping": 2}, (1, 3, 3, 1)),
    ("ConvLSTM2D", {"filters": 2, "kernel_size": 5}, (1, 2, 3, 3, 1)), ("MaxPooling2D", {"pool_size": 5}, (1, 3, 3, 1)),
    ("AveragePooling1D", {"pool_size": 9}, (1, 5, 1)),
]  # fmt: skip


@each("too large", LARGE)
def windows_that_do_not_fit(K: Any, case: Any) -> Any:
    name, kwargs, shape = case
    getattr(K.layers, name)(**kwargs)(K.Input(shape[1:]))


NOISES = [(2, 1), 3, "x", (2, 3, 5), (2, -1, 2), (None, 0, None), (None, 1, None), [1, 1, 1]]


@each("noise shape", NOISES)
def noise_shapes(K: Any, shape: Any) -> Any:
    return tuple(K.layers.Dropout(0.5, noise_shape=shape)(X, training=True).shape)


@each("trainable", [1, None, "yes", True, False])
def trainable_flags(K: Any, value: Any) -> Any:
    return K.layers.Dense(2, trainable=value).trainable


WRONG: dict[str, Callable[[Any], Any]] = {
    "flag by position": lambda K: K.layers.Dropout(0.5)(X, True),
    "class in Sequential": lambda K: K.Sequential([K.layers.Dense]),
    "class in a wrapper": lambda K: K.layers.TimeDistributed(K.layers.Dense),
    "output_shape": lambda K: K.layers.MultiHeadAttention(2, 2, output_shape=2.5),
    "attention_axes": lambda K: K.layers.MultiHeadAttention(2, 2, attention_axes=1.5),
    "class id": lambda K: K.metrics.Precision(class_id=0).update_state([0, 1], [0.2, 0.7]),
    "integer beta": lambda K: K.metrics.FBetaScore(beta=1),
    "integer threshold": lambda K: K.metrics.F1Score(threshold=1),
    "two batch sizes": lambda K: K.Input(batch_shape=(2, 3), batch_size=3),
    "two shapes": lambda K: K.Input(shape=(2,), batch_shape=(2, 3)),
    "classes in another axis": lambda K: K.losses.SparseCategoricalCrossentropy(axis=1)(
        np.zeros((2, 2), "int32"), np.ones((2, 3, 2), "float32") / 3
    ),
    "no input": lambda K: K.layers.Dense(2)(None),
    "two bounds": lambda K: K.ops.max(np.ones((2, 3), "float32"), axis=1, initial=[1, 2]),
    "weights that are one number": lambda K: K.layers.Bidirectional(K.layers.LSTM(2), weights=-1),
    "a gain for each": lambda K: K.initializers.Orthogonal(gain=[1, 2])((2, 2)),
}
for name, wrong in WRONG.items():
    PROGRAMS[name] = wrong


@program
def variables_added_in_a_call(K: Any) -> Any:
    class Grows(K.layers.Layer):
        def build(self, input_shape: Any) -> None:
            pass

        def call(self, x: Any) -> Any:
            self.w = self.add_weight(shape=(2,))
            return x

    Grows()(X)


@program
def variables_added_after_building(K: Any) -> Any:
    layer = K.layers.Dense(2)
    layer.build((2, 3))
    layer.extra = K.Variable(1.0)


# -- warnings ----------------------------------------------------------------------------------------------------------


@program
def warning_of_a_softmax_over_one(K: Any) -> Any:
    return warned(lambda: K.layers.Softmax()(X[..., :1]))


@program
def warning_of_old_arguments(K: Any) -> Any:
    return warned(lambda: K.layers.LeakyReLU(alpha=0.2)), warned(
        lambda: K.layers.Embedding(3, 2, input_length=4)
    )


@program
def warning_of_float_weights(K: Any) -> Any:
    metric = K.metrics.MeanIoU(2)
    return warned(lambda: metric.update_state([0, 1], [1, 1], sample_weight=[0.3, 0.7])), numbers(
        metric.total_cm
    )


# -- what users read ---------------------------------------------------------------------------------------------------


@program
def names(K: Any) -> Any:
    attention = K.layers.MultiHeadAttention(2, 2)
    attention.build((2, 3, 4), (2, 3, 4))
    parts = ("_query_dense", "_key_dense", "_value_dense", "_output_dense", "query_dense")
    return K.layers.GroupQueryAttention.__name__, [getattr(attention, part).name for part in parts]


@program
def config_in_a_dict(K: Any) -> Any:
    class Scale(K.layers.Layer):
        def __init__(self, units: int = 3, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = units

        def get_config(self) -> dict[str, Any]:
            return dict(units=self.units, **super().get_config())

    class Wide(K.layers.Dense):
        def __init__(self, factor: int, **kwargs: Any) -> None:
            super().__init__(units=3 * factor, **kwargs)
            self.factor = factor

        def get_config(self) -> dict[str, Any]:
            return dict(factor=self.factor, **super().get_config())

    config = Wide(2).get_config()
    return sorted(Scale(4).get_config()), Scale(4).get_config()["units"], config["units"], config["factor"]


@program
def metric_with_a_slash(K: Any) -> Any:
    metric = K.metrics.Mean(name="train/loss")
    return metric.name, [v.name for v in metric.variables]


@each("counts in half precision", ["TruePositives", "AUC", "Precision", "Mean"])
def counts_in_half_precision(K: Any, name: str) -> Any:
    return [v.dtype for v in getattr(K.metrics, name)(dtype="float16").variables]


@program
def gates_of_whole_numbers(K: Any) -> Any:
    layer = K.layers.GRU(2)
    layer.build((2, 3, 2))
    layer.set_weights([np.full(w.shape, 0.1 * i) for i, w in enumerate(layer.weights, 1)])
    return numbers(layer(X.astype("int32")))


@each("states of whole numbers", ["SimpleRNNCell", "GRUCell", "LSTMCell", "GRU"])
def states_of_whole_numbers(K: Any, name: str) -> Any:
    layer = getattr(K.layers, name)(2)
    layer.build((2, 3, 2) if name == "GRU" else (2, 2))
    layer.set_weights([np.full(w.shape, 0.1 * i) for i, w in enumerate(layer.weights, 1)])
    state = np.array([[1, 0], [2, 1]], "int32")
    if name == "GRU":
        return numbers(layer(X, initial_state=state))
    return numbers(layer(X[:, 0], [state] * (2 if name == "LSTMCell" else 1))[0])


@program
def arguments_that_flow_inward(K: Any) -> Any:
    class Inner(K.layers.Layer):
        def call(self, x: Any, factor: Any = None) -> Any:
            return x * (0.0 if factor is None else factor)

    class Outer(K.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()
            self._register_call_context_args("factor")
            self.inner._register_call_context_args("factor")

        def call(self, x: Any) -> Any:
            return self.inner(x)

    outer = Outer()
    return numbers(outer(X, factor=2.0)), numbers(outer(X)), numbers(outer(X, factor=3.0))


@program
def seeds_from_python(K: Any) -> Any:
    drawn = []
    for _ in range(2):
        random.seed(3)
        layer = K.layers.Dense(2)
        layer.build((1, 2))
        drawn.append(np.asarray(layer.get_weights()[0]).tolist())
    return drawn[0] == drawn[1]


@program
def optimizer_map_is_called(K: Any) -> Any:
    found = K.optimizers.OptimizerMap(K.optimizers.SGD(), {"x": K.optimizers.Adam()})
    return type(found(K.Variable(1.0, name="x"))).__name__, type(found(K.Variable(1.0, name="y"))).__name__


@program
def overwriting_while_accumulating(K: Any) -> Any:
    plain, other = K.Variable(np.ones(2, "float32")), K.Variable(np.ones(2, "float32"))
    other.overwrite_with_gradient = True
    optimizer = K.optimizers.SGD(0.1, gradient_accumulation_steps=2)
    optimizer.build([plain, other])
    seen = []
    for step in range(4):
        optimizer.apply([K.ops.full((2,), float(step)), K.ops.full((2,), float(step))], [plain, other])
        seen.append(numbers([plain, other]))
    return seen


@program
def an_array_that_can_be_written_to(K: Any) -> Any:
    array = K.ops.convert_to_numpy(K.ops.ones(3))
    array[0] = 5
    return numbers(array)


# -- small ones --------------------------------------------------------------------------------------------------------


@program
def one_input_is_packed_bare(K: Any) -> Any:
    packed = K.utils.pack_x_y_sample_weight(X)
    return (
        numbers(packed),
        len(K.utils.pack_x_y_sample_weight(X, X)),
        len(K.utils.pack_x_y_sample_weight(X, X, X)),
    )


@program
def the_shape_of_a_layer_of_two_inputs(K: Any) -> Any:
    class Both(K.layers.Layer):
        def call(self, a: Any, b: Any) -> Any:
            return K.ops.concatenate([a, b], axis=-1)

        def compute_output_shape(self, a_shape: Any, b_shape: Any) -> Any:
            return (*a_shape[:-1], a_shape[-1] + b_shape[-1])

    return Both().compute_output_shape((None, 2), (None, 3)), Both()(K.Input((2,)), K.Input((3,))).shape


@program
def dtype_of_a_shape_of_ones_own_in_mixed_precision(K: Any) -> Any:
    class Own(K.layers.Layer):
        def call(self, x: Any) -> Any:
            return x

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    out = Own(dtype="mixed_float16").compute_output_spec(K.KerasTensor((2, 3)))
    return out.dtype, out.shape


@program
def a_metric_in_a_dtype_object(K: Any) -> Any:
    metric = K.metrics.Mean(dtype=np.dtype("float16"))
    metric.update_state([1.0, 2.0])
    return metric.dtype, numbers(metric.result())


@program
def label_images(K: Any) -> Any:
    labels = np.random.default_rng(0).integers(0, 4, (2, 64, 64))
    metric = K.metrics.MeanIoU(4)
    metric.update_state(labels, np.where(np.arange(64) < 40, labels, 0))
    return numbers(metric.result()), numbers(metric.total_cm)


@each("groups in", ["float16", "bfloat16"])
def large_numbers_in_half_precision(K: Any, dtype: str) -> Any:
    y = K.layers.GroupNormalization(2, dtype=dtype)(np.linspace(0, 600, 16).reshape(1, 4, 4))
    return bool(np.isfinite(np.asarray(K.ops.convert_to_numpy(K.ops.cast(y, "float32")))).all())


@program
def an_attribute_ahead_of_the_base_class(K: Any) -> Any:
    class Early(K.layers.Layer):
        def __init__(self) -> None:
            self.inner = K.layers.Dense(2)
            super().__init__()

    Early()


@program
def right_sides_of_matrices_that_broadcast(K: Any) -> Any:
    a, b = np.tril(np.arange(1.0, 17.0, dtype="float32").reshape(4, 2, 2)), np.ones((2, 3), "float32")
    found = [K.ops.solve(a, b), K.ops.solve_triangular(a, b, lower=True)]
    return [numbers(K.ops.convert_to_numpy(x)) for x in found]


@each("segments numbered in", ["int8", "uint8", "int16", "int64"])
def small_numbers_of_segments(K: Any, dtype: str) -> Any:
    ids = np.array([0, 1, 1, 3], dtype)
    reduce = (K.ops.segment_sum, K.ops.segment_max)
    return [numbers(K.ops.convert_to_numpy(f(np.ones(4, "float32"), ids, num_segments=4))) for f in reduce]


@program
def nothing_is_unique(K: Any) -> Any:
    return numbers(K.ops.convert_to_numpy(K.ops.unique(np.zeros(0, "int32"), size=3, fill_value=-1)))


@each("scores in whole numbers", ["F1Score", "FBetaScore", "CategoricalHinge"])
def scores_in_whole_numbers(K: Any, name: str) -> Any:
    metric = getattr(K.metrics, name)(dtype="int32")
    metric.update_state([[0, 1], [1, 0]], [[0.2, 0.8], [0.6, 0.4]], sample_weight=[0.5, 2.0])
    return numbers(K.ops.convert_to_numpy(metric.result()))


@program
def a_rate_that_never_forgets(K: Any) -> Any:
    weight = K.Variable(np.ones(2, "float32"))
    K.optimizers.Adam(0.1, beta_2=1.0).apply([K.ops.ones(2)], [weight])
    return numbers(K.ops.convert_to_numpy(weight))


def outcome(run: Callable[[Any], Any], library: Any) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return run(library)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_with_both(name: str, backend: str) -> None:
    theirs = outcome(PROGRAMS[name], keras)
    with interpreter(backends.load(backend)):
        ours = outcome(PROGRAMS[name], lamina)
    if isinstance(theirs, type):
        assert isinstance(ours, type)
        assert issubclass(ours, theirs)
    else:
        assert ours == theirs


@pytest.mark.parametrize("backend", ["jax", "torch", "tensorflow", "numpy"])
@pytest.mark.parametrize("case", LARGE, ids=lambda case: f"{case[0]} {case[1]}")
def test_windows_that_do_not_fit_are_refused_before_any_number(backend: str, case: Any) -> None:
    name, kwargs, shape = case
    with (
        interpreter(backends.load(backend)),
        pytest.raises(ValueError, match=r"does not fit|leaves nothing|must be|at least"),
    ):
        getattr(lamina.layers, name)(**kwargs)(np.ones(shape, "float32"))


def test_names_that_are_not_there_yet_are_no_misspellings() -> None:
    from lamina.kernel.namespaces import NOT_YET, no_such_name

    for space, names in NOT_YET.items():
        for name in names:
            assert f"{space}.{name} is not there yet" in str(no_such_name(space, name, []))
    with pytest.raises(AttributeError, match="Did you mean 'Dense'"):
        getattr(lamina.layers, "Densee")  # noqa: B009 - the checker knows that it is not there


def test_keys_of_jax_are_seeds() -> None:
    import jax

    for name in ("torch", "numpy", "jax"):
        with interpreter(backends.load(name)):
            draws = [lamina.ops.convert_to_numpy(lamina.random.normal((3,), seed=key))
                     for key in (jax.random.key(3), jax.random.PRNGKey(3), jax.random.key(4))]  # fmt: skip
        assert np.array_equal(draws[0], draws[1])
        assert not np.array_equal(draws[0], draws[2])


def test_an_unknown_axis_of_a_cross_product_has_three_components() -> None:
    x = lamina.KerasTensor((2, None))
    assert lamina.ops.cross(x, x).shape == (2, 3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_row_that_is_masked_entirely_has_mean_zero_and_a_finite_gradient(backend: str) -> None:
    mask = np.array([[1, 1, 0], [0, 0, 0]], bool)
    with interpreter(backends.load(backend)):
        layer = lamina.layers.GlobalAveragePooling1D()
        mean = lambda x: lamina.ops.sum(layer(x, mask=mask))
        assert numbers(layer(X, mask=mask))[1] == [0.0, 0.0]
        gradient = lamina.ops.convert_to_numpy(lamina.value_and_grad(mean)(X)[1])
    np.testing.assert_allclose(gradient, np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]])[..., None] * np.ones(2))


def test_a_class_with_two_names_has_the_public_one_in_files() -> None:
    ours = lamina.layers.serialize(lamina.layers.GroupQueryAttention(2, 2, 1))
    theirs = keras.layers.serialize(keras.layers.GroupQueryAttention(2, 2, 1))
    assert ours["class_name"] == theirs["class_name"]
    assert lamina.layers.deserialize(theirs).get_config()["num_query_heads"] == 2


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("gamma", [0.0, 0.5])
def test_the_focal_loss_of_a_sure_prediction_has_a_gradient(backend: str, gamma: float) -> None:
    loss = lamina.losses.BinaryFocalCrossentropy(gamma=gamma, from_logits=True)
    with interpreter(backends.load(backend)):
        for label in (0.0, 1.0):
            gradient = lamina.grad(lambda x, label=label: loss(np.array([label], "float32"), x))(
                np.array([30.0], "float32")
            )
            assert np.isfinite(lamina.ops.convert_to_numpy(gradient)).all()
