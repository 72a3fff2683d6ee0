"""`K`: every name of the old backend module against values computed with NumPy, on every backend."""

import json
import pathlib

import numpy as np
import pytest

import lamina
from lamina import backends
from lamina.legacy import backend as K

LIST = pathlib.Path(__file__).parent / "legacy_backend.json"
NAMES = json.loads(LIST.read_text())
RNG = np.random.default_rng(7)
A = RNG.normal(size=(3, 4)).astype("float32")
B = RNG.normal(size=(4, 5)).astype("float32")
C = RNG.normal(size=(2, 3, 4)).astype("float32")
D = RNG.normal(size=(2, 4, 5)).astype("float32")
P = (np.exp(A) / np.exp(A).sum(-1, keepdims=True)).astype("float32")
T = np.eye(4, dtype="float32")[[0, 2, 1]]
IMAGES = RNG.normal(size=(2, 4, 5, 3)).astype("float32")
VOLUMES = RNG.normal(size=(1, 3, 3, 2, 2)).astype("float32")
log, exp = np.log, np.exp


def t(x):
    return K.constant(x)


def sigmoid(x):
    return 1 / (1 + exp(-x))


def correlate(x, kernel, stride=1):
    """A valid convolution over the axes between the first and the last, by its definition."""
    size = kernel.shape[:-2]
    places = [(n - k) // stride + 1 for n, k in zip(x.shape[1:-1], size)]
    out = np.zeros((x.shape[0], *places, kernel.shape[-1]), "float32")
    for place in np.ndindex(*places):
        window = x[(slice(None), *(slice(p * stride, p * stride + k) for p, k in zip(place, size)))]
        out[(slice(None), *place)] = np.tensordot(window, kernel, window.ndim - 1)
    return out


def pooled(x, size, how):
    places = [n - s + 1 for n, s in zip(x.shape[1:-1], size)]
    out = np.zeros((x.shape[0], *places, x.shape[-1]), "float32")
    for place in np.ndindex(*places):
        window = x[(slice(None), *(slice(p, p + s) for p, s in zip(place, size)))]
        out[(slice(None), *place)] = how(window, axis=tuple(range(1, x.ndim - 1)))
    return out


def unary(name, function, x=A):
    return name, lambda: getattr(K, name)(t(x)), lambda: function(x)


def binary(name, function):
    return name, lambda: getattr(K, name)(t(A), t(A[::-1].copy())), lambda: function(A, A[::-1])


def reduced(name, function, x=A):
    yield name, lambda: getattr(K, name)(t(x)), lambda: function(x)
    yield (
        name,
        lambda: getattr(K, name)(t(x), axis=1, keepdims=True),
        lambda: function(x, axis=1, keepdims=True),
    )


def function_values():
    x, y = K.placeholder((None, 4)), K.placeholder(shape=(None, 4))
    v = K.variable(np.ones(4))
    f = K.function(
        [x, y], [K.sum(x * y * v, axis=-1), K.mean(x)], updates=[K.update_add(v, K.sum(x * 0.0) + 1.0)]
    )
    first, second = f([A, A]), f([A, A])
    return np.concatenate([first[0], second[0], [first[1]], K.get_value(v)])


def phases():
    x = K.placeholder((None, 4))
    f = K.function([x, K.learning_phase()], [lamina.layers.Dropout(0.5)(x)])
    return f([A, 0])[0], (f([A, 1])[0] == 0).any()


def gradients():
    x = K.placeholder((None, 4))
    v = K.variable(np.arange(4.0))
    h = K.square(x)
    loss = K.sum(h * v)
    by_x, by_h, by_v = K.gradients(loss, [x, h, v])
    return [*K.function([x], [by_x, by_h, by_v])([A])]


def gradient_values():
    v = np.arange(4.0)
    return 2 * A * v, np.broadcast_to(v, A.shape), (A**2).sum(0)


W, U = RNG.normal(size=(4, 3)).astype("float32"), RNG.normal(size=(3, 3)).astype("float32")
MASK = np.array([[1, 1, 0], [1, 0, 1]], bool)


def recurrent(**options):
    def step(x, states):
        h = K.tanh(K.dot(x, t(W)) + K.dot(states[0], t(U)))
        return h, [h]

    return K.rnn(step, t(C), [K.zeros((2, 3)).value], **options)


def recurrence(mask=None, backwards=False):
    h, outputs = np.zeros((2, 3)), []
    for i in reversed(range(3)) if backwards else range(3):
        new = np.tanh(C[:, i] @ W + h @ U)
        h = new if mask is None else np.where(mask[:, i : i + 1], new, h)
        outputs.append(h)
    return h, np.stack(outputs, 1), h


def labels():
    found, _score = K.ctc_decode(
        t(np.log(np.array([[[1, 9, 1], [1, 9, 1], [1, 1, 9], [9, 1, 1]]]) + 1.0)), [4]
    )
    return K.eval(found[0])


def ctc(y, p):
    """The probability of a label sequence over two steps, summed over its paths."""
    total = 0.0
    for path in np.ndindex(*(p.shape[1],) * p.shape[0]):
        kept = [c for i, c in enumerate(path) if i == 0 or c != path[i - 1]]
        if [c for c in kept if c != p.shape[1] - 1] == list(y):
            total += np.prod([p[i, c] for i, c in enumerate(path)])
    return -np.log(total)


def state_round():
    v = K.variable([1.0, 2.0])
    K.set_value(v, [3.0, 4.0])
    K.update(v, v.value * 2)
    K.update_sub(v, [1.0, 1.0])
    K.moving_average_update(v, np.ones(2, "float32"), 0.5)
    K.batch_set_value([(v, K.get_value(v) + 1)])
    return K.batch_get_value([v])[0]


def settings():
    before = K.floatx(), K.epsilon(), K.image_data_format()
    try:
        K.set_floatx("float16"), K.set_epsilon(1e-3), K.set_image_data_format("channels_first")
        return [K.floatx(), K.epsilon(), K.image_data_format(), K.image_dim_ordering()]
    finally:
        K.set_floatx(before[0]), K.set_epsilon(before[1]), K.set_image_data_format(before[2])


def learning():
    try:
        K.set_learning_phase(1)
        return [K.learning_phase(), K.in_train_phase(1.0, 2.0)]
    finally:
        K.clear_session()


def names():
    K.reset_uids()
    with K.name_scope("part"):
        path = K.variable(1.0, name="v").path
    return [K.get_uid("thing"), K.get_uid("thing"), path]


def shape_of(x):
    return lambda: tuple(K.eval(x()).shape)


def local(x, kernel, size):
    """Each place has a kernel of its own."""
    places = [n - s + 1 for n, s in zip(x.shape[1:-1], size)]
    out = [
        x[(slice(None), *(slice(p, p + s) for p, s in zip(place, size)))].reshape(len(x), -1) @ kernel[i]
        for i, place in enumerate(np.ndindex(*places))
    ]
    return np.stack(out, 1).reshape(len(x), *places, -1)


K1, K2, K3 = (RNG.normal(size=s).astype("float32") for s in ((2, 4, 3), (2, 2, 3, 4), (2, 2, 2, 2, 3)))
L1, L2 = RNG.normal(size=(2, 8, 3)).astype("float32"), RNG.normal(size=(12, 12, 2)).astype("float32")
DW = RNG.normal(size=(2, 2, 3, 2)).astype("float32")
PW = RNG.normal(size=(1, 1, 6, 4)).astype("float32")


def depthwise(x, kernel):
    parts = [correlate(x[..., i : i + 1], kernel[:, :, i : i + 1]) for i in range(x.shape[-1])]
    return np.concatenate(parts, -1)


def transposed(x, kernel, stride):
    """The transpose of a valid convolution, by its definition."""
    rows, columns = ((n - 1) * stride + k for n, k in zip(x.shape[1:3], kernel.shape))
    out = np.zeros((len(x), rows, columns, kernel.shape[2]), "float32")
    for i, j in np.ndindex(*x.shape[1:3]):
        for a, b in np.ndindex(*kernel.shape[:2]):
            out[:, i * stride + a, j * stride + b] += x[:, i, j] @ kernel[a, b].T
    return out


def focal(p):
    right = T * p + (1 - T) * (1 - p)
    return (1 - right) ** 2 * -np.log(right)


PROBABILITIES = np.array([[[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]]], "float32")
CASES = [
    unary("abs", np.abs), unary("cos", np.cos), unary("sin", np.sin), unary("exp", exp), unary("sign", np.sign),
    unary("log", log, P), unary("round", np.round), unary("square", np.square), unary("tanh", np.tanh),
    unary("sigmoid", sigmoid), unary("softplus", lambda x: log(exp(x) + 1)), unary("sqrt", lambda x: np.sqrt(x.clip(0))),
    unary("softsign", lambda x: x / (1 + np.abs(x))), unary("hard_sigmoid", lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    unary("softmax", lambda x: exp(x) / exp(x).sum(-1, keepdims=True)), unary("flatten", np.ravel),
    unary("batch_flatten", lambda x: x.reshape(2, 12), C), unary("transpose", np.transpose),
    unary("identity", lambda x: x), unary("ones_like", np.ones_like), unary("zeros_like", np.zeros_like),
    unary("stop_gradient", lambda x: x), unary("cast_to_floatx", lambda x: x), unary("shape", np.shape),
    unary("argmax", lambda x: x.argmax(-1)), unary("argmin", lambda x: x.argmin(-1)),
    unary("cumsum", lambda x: x.cumsum(0)), unary("cumprod", lambda x: x.cumprod(0)),
    unary("expand_dims", lambda x: x[..., None]), unary("to_dense", lambda x: x), unary("eval", lambda x: x),
    unary("print_tensor", lambda x: x), unary("relu", lambda x: x.clip(0)), unary("elu", lambda x: np.where(x > 0, x, exp(x) - 1)),
    unary("l2_normalize", lambda x: x / np.sqrt((x**2).sum())),
    binary("maximum", np.maximum), binary("minimum", np.minimum), binary("equal", np.equal),
    binary("not_equal", np.not_equal), binary("greater", np.greater), binary("greater_equal", np.greater_equal),
    binary("less", np.less), binary("less_equal", np.less_equal),
    *reduced("sum", np.sum), *reduced("prod", np.prod), *reduced("mean", np.mean), *reduced("var", np.var),
    *reduced("std", np.std), *reduced("max", np.max), *reduced("min", np.min), *reduced("any", np.any, A.clip(0)),
    *reduced("all", np.all, A.clip(0)),
    ("logsumexp", lambda: K.logsumexp(t(A), axis=1), lambda: log(exp(A).sum(1))),
    ("mean", lambda: K.mean(K.greater(t(A), 0.0)), lambda: (A > 0).mean()),
    ("pow", lambda: K.pow(t(P), 3), lambda: P**3),
    ("clip", lambda: K.clip(t(A), -0.5, None), lambda: A.clip(-0.5)),
    ("relu", lambda: K.relu(t(A), alpha=0.1, max_value=0.8, threshold=0.2),
     lambda: np.where(A >= 0.2, np.minimum(A, 0.8), 0.1 * (A - 0.2))),
    ("elu", lambda: K.elu(t(A), 0.5), lambda: np.where(A > 0, A, 0.5 * (exp(A) - 1))),
    ("dot", lambda: K.dot(t(A), t(B)), lambda: A @ B),
    ("dot", lambda: K.dot(t(C), t(D)), lambda: np.dot(C, D)),
    ("batch_dot", lambda: K.batch_dot(t(C), t(D)), lambda: C @ D),
    ("batch_dot", lambda: K.batch_dot(t(A), t(A), axes=1), lambda: (A * A).sum(1, keepdims=True)),
    ("batch_dot", lambda: K.batch_dot(t(C), t(D), axes=(2, 1)), lambda: C @ D),
    ("reshape", lambda: K.reshape(t(A), (2, -1)), lambda: A.reshape(2, -1)),
    ("squeeze", lambda: K.squeeze(t(A[:, None]), 1), lambda: A),
    ("permute_dimensions", lambda: K.permute_dimensions(t(C), (2, 0, 1)), lambda: C.transpose(2, 0, 1)),
    ("reverse", lambda: K.reverse(t(C), axes=(1, 2)), lambda: C[:, ::-1, ::-1]),
    ("concatenate", lambda: K.concatenate([t(A), t(A)]), lambda: np.concatenate([A, A], -1)),
    ("stack", lambda: K.stack([t(A), t(A)], axis=1), lambda: np.stack([A, A], 1)),
    ("tile", lambda: K.tile(t(A), (2, 1)), lambda: np.tile(A, (2, 1))),
    ("repeat", lambda: K.repeat(t(A), 2), lambda: np.stack([A, A], 1)),
    ("repeat_elements", lambda: K.repeat_elements(t(A), 2, axis=1), lambda: np.repeat(A, 2, 1)),
    ("arange", lambda: K.arange(4), lambda: np.arange(4)),
    ("arange", lambda: K.arange(1, 8, 3, dtype="float32"), lambda: np.arange(1, 8, 3)),
    ("gather", lambda: K.gather(t(A), t([2, 0])), lambda: A[[2, 0]]),
    ("one_hot", lambda: K.one_hot(t([0, 2, 1]), 4), lambda: T),
    ("eye", lambda: K.eye(3), lambda: np.eye(3)), ("ones", lambda: K.ones((2, 3)), lambda: np.ones((2, 3))),
    ("zeros", lambda: K.zeros((2, 3)), lambda: np.zeros((2, 3))),
    ("constant", lambda: K.constant([1, 2], shape=(2, 2)), lambda: [[1, 2], [2, 2]]),
    ("variable", lambda: K.variable(A), lambda: A), ("cast", lambda: K.cast(t(A), "int32"), lambda: A.astype("int32")),
    ("in_top_k", lambda: K.in_top_k(t(P), t([0, 1, 2]), 2), lambda: [P[i, i] >= np.sort(P[i])[-2] for i in range(3)]),
    ("categorical_crossentropy", lambda: K.categorical_crossentropy(t(T), t(P)), lambda: -(T * log(P)).sum(-1)),
    ("categorical_crossentropy", lambda: K.categorical_crossentropy(t(T), t(A), from_logits=True),
     lambda: -(T * log(P)).sum(-1)),
    ("sparse_categorical_crossentropy", lambda: K.sparse_categorical_crossentropy(t([[0], [2], [1]]), t(P)),
     lambda: -(T * log(P)).sum(-1)),
    ("binary_crossentropy", lambda: K.binary_crossentropy(t(T), t(P)), lambda: -(T * log(P) + (1 - T) * log(1 - P))),
    ("binary_focal_crossentropy", lambda: K.binary_focal_crossentropy(t(T), t(P)), lambda: focal(P)),
    ("categorical_focal_crossentropy", lambda: K.categorical_focal_crossentropy(t(T), t(P)),
     lambda: (0.25 * (1 - P) ** 2 * -T * log(P)).sum(-1)),
    ("batch_normalization", lambda: K.batch_normalization(t(A), t(A.mean(0)), t(A.var(0)), t(B[:, 0]), t(B[:, 1])),
     lambda: (A - A.mean(0)) / np.sqrt(A.var(0) + 1e-3) * B[:, 1] + B[:, 0]),
    ("normalize_batch_in_training", lambda: K.normalize_batch_in_training(t(C), t(B[:, 1]), t(B[:, 0]), [0, 1]),
     lambda: ((C - C.mean((0, 1))) / np.sqrt(C.var((0, 1)) + 1e-3) * B[:, 1] + B[:, 0], C.mean((0, 1)), C.var((0, 1)))),
    ("bias_add", lambda: K.bias_add(t(IMAGES), t([1, 2, 3, 4]), data_format="channels_first"),
     lambda: IMAGES + np.array([1, 2, 3, 4]).reshape(1, 4, 1, 1)),
    ("bias_add", lambda: K.bias_add(t(A), t(B[:, 0])), lambda: A + B[:, 0]),
    ("conv1d", lambda: K.conv1d(t(C), t(K1)), lambda: correlate(C, K1)),
    ("conv1d", lambda: K.conv1d(t(C), t(K1), padding="causal"), lambda: correlate(np.pad(C, ((0, 0), (1, 0), (0, 0))), K1)),
    ("conv2d", lambda: K.conv2d(t(IMAGES), t(K2), strides=(2, 2)), lambda: correlate(IMAGES, K2, 2)),
    ("conv3d", lambda: K.conv3d(t(VOLUMES), t(K3)), lambda: correlate(VOLUMES, K3)),
    ("conv2d_transpose", lambda: K.conv2d_transpose(t(IMAGES), t(K2[..., :3].transpose(0, 1, 3, 2)), (2, 8, 10, 3), (2, 2)),
     lambda: transposed(IMAGES, K2[..., :3].transpose(0, 1, 3, 2), 2)),
    ("depthwise_conv2d", lambda: K.depthwise_conv2d(t(IMAGES), t(DW)), lambda: depthwise(IMAGES, DW)),
    ("separable_conv2d", lambda: K.separable_conv2d(t(IMAGES), t(DW), t(PW)), lambda: depthwise(IMAGES, DW) @ PW[0, 0]),
    ("local_conv1d", lambda: K.local_conv1d(t(C), t(L1), (2,), (1,)), lambda: local(C, L1, (2,))),
    ("local_conv2d", lambda: K.local_conv2d(t(IMAGES), t(L2), (2, 2), (1, 1), (3, 4)), lambda: local(IMAGES, L2, (2, 2))),
    ("pool2d", lambda: K.pool2d(t(IMAGES), (2, 2)), lambda: pooled(IMAGES, (2, 2), np.max)),
    ("pool2d", lambda: K.pool2d(t(IMAGES), (2, 2), pool_mode="avg"), lambda: pooled(IMAGES, (2, 2), np.mean)),
    ("pool3d", lambda: K.pool3d(t(VOLUMES), (2, 2, 2)), lambda: pooled(VOLUMES, (2, 2, 2), np.max)),
    ("temporal_padding", lambda: K.temporal_padding(t(C), (2, 1)), lambda: np.pad(C, ((0, 0), (2, 1), (0, 0)))),
    ("spatial_2d_padding", lambda: K.spatial_2d_padding(t(IMAGES)), lambda: np.pad(IMAGES, ((0, 0), (1, 1), (1, 1), (0, 0)))),
    ("spatial_3d_padding", lambda: K.spatial_3d_padding(t(VOLUMES)),
     lambda: np.pad(VOLUMES, ((0, 0), (1, 1), (1, 1), (1, 1), (0, 0)))),
    ("resize_images", lambda: K.resize_images(t(IMAGES), 2, 3, "channels_last"), lambda: IMAGES.repeat(2, 1).repeat(3, 2)),
    ("resize_volumes", lambda: K.resize_volumes(t(VOLUMES), 2, 1, 3, "channels_last"),
     lambda: VOLUMES.repeat(2, 1).repeat(3, 3)),
    ("switch", lambda: K.switch(K.greater(t(A[:, 0]), 0.0), t(A), lambda: t(-A)), lambda: np.where(A[:, :1] > 0, A, -A)),
    ("switch", lambda: K.switch(K.constant(0.0), lambda: t(A), lambda: t(-A)), lambda: -A),
    ("map_fn", lambda: K.map_fn(lambda row: row * 2, t(A)), lambda: A * 2),
    ("foldl", lambda: K.foldl(lambda a, b: a * 2 + b, t(A)), lambda: (A[0] * 2 + A[1]) * 2 + A[2]),
    ("foldr", lambda: K.foldr(lambda a, b: a * 2 + b, t(A)), lambda: (A[2] * 2 + A[1]) * 2 + A[0]),
    ("function", function_values, lambda: np.concatenate([(A * A).sum(-1), 2 * (A * A).sum(-1), [A.mean()], np.full(4, 3)])),
    ("learning_phase", phases, lambda: (A, True)),
    ("set_learning_phase", learning, lambda: [1, 1.0]),
    ("gradients", gradients, gradient_values),
    ("rnn", lambda: _flat(recurrent()), recurrence),
    ("rnn", lambda: _flat(recurrent(mask=K.constant(MASK, "bool"))), lambda: recurrence(MASK)),
    ("rnn", lambda: _flat(recurrent(go_backwards=True)), lambda: recurrence(backwards=True)),
    ("ctc_decode", lambda: labels(), lambda: [[1, 0, -1, -1]]),
    ("ctc_batch_cost", lambda: K.ctc_batch_cost(t([[1, 0]]), t(PROBABILITIES), t([[2]]), t([[1]])),
     lambda: [[ctc([1], PROBABILITIES[0])]]),
    ("ctc_label_dense_to_sparse", lambda: K.to_dense(K.ctc_label_dense_to_sparse(t([[1, 2], [3, 9]]), t([2, 1]))),
     lambda: [[1, 2], [3, 0]]),
    ("is_sparse", lambda: [K.is_sparse(K.ctc_label_dense_to_sparse(t([[1]]), t([1]))), K.is_sparse(t(A))], lambda: [True, False]),
    *[(n, state_round, lambda: (np.array([5.0, 7.0]) + 1) / 2 + 1)
      for n in ("set_value", "get_value", "batch_get_value", "batch_set_value", "update", "update_sub", "moving_average_update")],
    ("update_add", lambda: K.update_add(K.variable([1.0]), t([2.0])), lambda: [3.0]),
    *[(n, settings, lambda: ["float16", 1e-3, "channels_first", "th"])
      for n in ("floatx", "set_floatx", "epsilon", "set_epsilon", "image_data_format", "set_image_data_format")],
    *[(n, names, lambda: [1, 2, "part/v"]) for n in ("get_uid", "reset_uids", "name_scope")],
    ("clear_session", lambda: K.clear_session() or 1, lambda: 1),
    ("manual_variable_initialization", lambda: K.manual_variable_initialization(False) or 1, lambda: 1),
    ("backend", lambda: K.backend(), lambda: lamina.config.backend()),
    ("ndim", lambda: K.ndim(t(C)), lambda: 3), ("dtype", lambda: K.dtype(t(C)), lambda: "float32"),
    ("int_shape", lambda: list(K.int_shape(t(C))), lambda: [2, 3, 4]),
    ("count_params", lambda: K.count_params(K.zeros((3, 4))), lambda: 12),
    ("placeholder", lambda: str(K.placeholder(ndim=2, dtype="int32").shape), lambda: "(None, None)"),
    ("is_placeholder", lambda: [K.is_placeholder(x) for x in (K.placeholder((2,)), K.placeholder((2,)) * 2, t(A))],
     lambda: [True, False, False]),
    ("is_keras_tensor", lambda: [K.is_keras_tensor(x) for x in (K.placeholder((2,)), t(A))], lambda: [True, False]),
    ("dropout", lambda: np.unique(K.eval(K.dropout(K.ones((20, 20)), 0.5, seed=1))), lambda: [0.0, 2.0]),
    ("random_binomial", lambda: np.unique(K.eval(K.random_binomial((50,), 0.5, seed=1))), lambda: [0.0, 1.0]),
    ("random_bernoulli", lambda: np.unique(K.eval(K.random_bernoulli((50,), 0.5, seed=1))), lambda: [0.0, 1.0]),
    ("random_normal", lambda: abs(K.eval(K.random_normal((4000,), 3.0, 0.5, seed=1)).mean() - 3) < 0.05, lambda: True),
    ("truncated_normal", lambda: np.abs(K.eval(K.truncated_normal((400,), seed=1))).max() <= 2, lambda: True),
    ("random_uniform", lambda: _bounds(K.random_uniform((400,), 2.0, 3.0, seed=1)), lambda: True),
    ("random_uniform_variable", lambda: _bounds(K.random_uniform_variable((400,), 2.0, 3.0, seed=1)), lambda: True),
    ("random_normal_variable", lambda: abs(K.eval(K.random_normal_variable((4000,), 3.0, 0.5, seed=1)).mean() - 3) < 0.05,
     lambda: True),
    ("var", lambda: K.var(t(A), axis=0), lambda: A.var(0)),
]  # fmt: skip


def _bounds(x):
    values = K.eval(x)
    return values.min() >= 2 and values.max() <= 3


def _flat(found):
    last, outputs, states = found
    return last, outputs, states[0]


def test_every_name_has_a_case():
    assert set(NAMES) - {name for name, _, _ in CASES} == set()
    assert set(NAMES) - set(K.__all__) == set()


@pytest.mark.parametrize("backend", backends.NAMES)
def test_values_are_those_of_numpy(backend):
    wrong = []
    with lamina.backend(backend):
        for name, found, wanted in CASES:
            if name == "gradients" and backend == "numpy":
                continue
            try:
                _compare(found(), wanted())
            except Exception as error:
                wrong.append(f"{name}: {type(error).__name__}: {str(error)[:300]}")
    assert not wrong, "\n".join(wrong)


def _compare(found, wanted):
    if isinstance(found, tuple) or (isinstance(found, list) and isinstance(wanted, tuple)):
        for a, b in zip(found, wanted, strict=True):
            _compare(a, b)
    elif isinstance(found, list | str):
        assert list(found) == list(wanted)
    else:
        np.testing.assert_allclose(K.eval(found), np.asarray(wanted), rtol=2e-4, atol=2e-5)


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match=r"K\.function\(\[inputs\], \[x\]\)"):
        K.eval(K.placeholder((2,)))
    with pytest.raises(ValueError, match=r"lamina\.value_and_grad"):
        K.gradients(np.ones(2), [])
    with pytest.warns(UserWarning, match=r"K\.set_session has no effect: Lamina has no sessions"):
        K.set_session(None)
    with pytest.raises(NotImplementedError, match="no sessions"):
        K.get_session()
