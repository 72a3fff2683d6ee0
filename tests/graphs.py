"""Models that are drawn alike with Lamina and with Keras (`K`): what structure, files and training are compared on."""


def chain(K):
    """A Sequential with an Input."""
    L = K.layers
    return K.Sequential([K.Input((8,)), L.Dense(6, activation="relu"), L.Dense(3, activation="softmax")])


def deferred(K):
    """A Sequential that learns its input's shape from `build`."""
    model = K.Sequential([K.layers.Dense(6, activation="tanh"), K.layers.Dense(2)])
    model.build((None, 8))
    return model


def convolutional(K):
    """Images, normalization, dropout."""
    L = K.layers
    return K.Sequential(
        [
            K.Input((8, 8, 2)),
            L.Conv2D(4, 3, padding="same", activation="relu", kernel_regularizer="l2"),
            L.BatchNormalization(),
            L.MaxPooling2D(2),
            L.Flatten(),
            L.Dropout(0.5),
            L.LayerNormalization(),
            L.Dense(3, kernel_constraint=K.constraints.MaxNorm(2.0), bias_constraint="non_neg"),
        ]
    )


def shared(K):
    """One layer on two inputs, joined."""
    a, b = K.Input((5,), name="a"), K.Input((5,), name="b")
    dense = K.layers.Dense(4, activation="elu")
    return K.Model([a, b], K.layers.Concatenate()([dense(a), dense(b)]))


def dicts(K):
    """Dict inputs, dict outputs, op calls on symbolic tensors."""
    ops, L = K.ops, K.layers
    a, b = K.Input((6,), name="left"), K.Input((6,), name="right")
    x, y = L.Dense(4)(a), L.Dense(4)(b)
    z = ops.mean(x + 2.0 * y, axis=1, keepdims=True)
    part = x[:, 1:3]
    joined = ops.concatenate([z, part], axis=-1)
    cube = ops.reshape(ops.exp(-joined), (-1, 3, 1))
    return K.Model({"left": a, "right": b}, {"cube": cube, "sum": L.Add()([x, y])})


def nested(K):
    """A model in a model, used twice, and a residual connection."""
    L = K.layers
    inner_input = K.Input((4,))
    inner = K.Model(
        inner_input, L.Add()([inner_input, L.Dense(4, activation="relu")(inner_input)]), name="block"
    )
    x = K.Input((4,))
    return K.Model(x, L.Dense(2)(inner(inner(x))))


def embedded(K):
    """Integers in, one vector out."""
    L = K.layers
    x = K.Input((7,), dtype="int32")
    return K.Model(x, L.Dense(2)(K.ops.max(L.Embedding(11, 5)(x), axis=1)))


def branching(K):
    """Layers whose order in the graph is not the order in which they were made."""
    L = K.layers
    a = K.Input((3,), name="first")
    b = K.Input((3,), name="second")
    late = L.Dense(3, name="late")(b)
    early = L.Dense(3, name="early")(a)
    deep = L.Dense(3, name="deep")(L.Dense(3, name="middle")(early))
    other = L.Activation("tanh", name="other")(late)
    return K.Model([b, a], [L.Add(name="join")([other, deep]), L.Dense(1, name="side")(early)])


ALL = [chain, deferred, convolutional, shared, dicts, nested, embedded, branching]
