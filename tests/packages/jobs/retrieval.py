"""keras-rs: two towers that find the films of a user, and a ranking model with crosses of features."""

import keras
import keras_rs
import numpy as np
from exchange import FOLDER, done, record, share

keras.utils.set_random_seed(0)
USERS, FILMS, SIZE = 12, 20, 8
rng = np.random.default_rng(0)
users = rng.integers(0, USERS, 240).astype("int32")
films = (users % 4 * 5 + rng.integers(0, 5, 240)).astype("int32")  # each user likes one of four genres


class Retrieval(keras.Model):
    def __init__(self):
        super().__init__()
        self.users = keras.layers.Embedding(USERS, SIZE)
        self.films = keras.layers.Embedding(FILMS, SIZE)
        self.remove = keras_rs.layers.RemoveAccidentalHits()
        self.find = keras_rs.layers.BruteForceRetrieval(k=5, return_scores=True)
        self.loss_fn = keras.losses.CategoricalCrossentropy(from_logits=True)

    def build(self, input_shape):
        self.users.build(input_shape)
        self.films.build(input_shape)
        self.find.candidate_embeddings = self.films.embeddings
        self.find.build(input_shape)
        super().build(input_shape)

    def call(self, inputs, training=False):
        wanted = self.users(inputs)
        result = {"user_embeddings": wanted}
        if not training:
            result["scores"], result["films"] = self.find(wanted)
        return result

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        chosen = self.films(y)
        logits = keras.ops.matmul(y_pred["user_embeddings"], keras.ops.transpose(chosen))
        labels = keras.ops.eye(keras.ops.shape(logits)[0])
        logits = self.remove(logits, labels, y)
        return self.loss_fn(labels, logits, sample_weight)


model = Retrieval()
model.build((None,))
share(model)
model.compile(keras.optimizers.Adagrad(0.5))
history = model.fit(users, films, epochs=8, batch_size=40, shuffle=False, verbose=0).history
record("losses", history["loss"], 1e-3)
found = model.predict(np.arange(USERS), verbose=0)
hits = np.mean(found["films"] // 5 == (np.arange(USERS) % 4)[:, None])
assert hits > 0.8, hits
record("scores", found["scores"], 1e-2)

# a ranking model: several looks-up, one layer for all, crosses of features, and ranking metrics
inputs = {"user": keras.Input((), dtype="int32"), "film": keras.Input((), dtype="int32")}
embedded = keras.layers.Concatenate()(
    [keras.layers.Embedding(USERS, 4)(inputs["user"]), keras.layers.Embedding(FILMS, 4)(inputs["film"])]
)
crossed = keras_rs.layers.FeatureCross(projection_dim=3)(embedded, keras.layers.Dense(8)(embedded))
dots = keras_rs.layers.DotInteraction()([crossed, embedded])
ranking = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Concatenate()([crossed, dots])))
share(ranking, "ranking")
ranking.compile(keras.optimizers.Adam(0.05), "mse")
other = rng.integers(0, FILMS, 240).astype("int32")
liked = (other // 5 == users % 4).astype("float32")
pairs = {"user": users, "film": other}
losses = ranking.fit(pairs, liked, epochs=6, batch_size=40, shuffle=False, verbose=0).history["loss"]
record("ranking", losses, 1e-2)
ranking.save(FOLDER / "ranking.keras")
again = keras.saving.load_model(FOLDER / "ranking.keras")
np.testing.assert_allclose(
    again.predict(pairs, verbose=0), ranking.predict(pairs, verbose=0), rtol=1e-4, atol=1e-5
)

relevance = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 1.0]], "float32")
scores = np.array([[0.2, 0.5, 0.9], [0.3, 0.1, 0.8]], "float32")
for metric in (
    keras_rs.metrics.NDCG(), keras_rs.metrics.DCG(), keras_rs.metrics.MeanReciprocalRank(), keras_rs.metrics.MeanAveragePrecision(),
):  # fmt: skip
    metric.update_state(relevance, scores)
    record(metric.name, metric.result())
for loss in (
    keras_rs.losses.ListMLELoss(), keras_rs.losses.PairwiseHingeLoss(), keras_rs.losses.PairwiseLogisticLoss(),
):  # fmt: skip
    record(type(loss).__name__, loss(relevance, scores))
embed = keras_rs.layers.EmbedReduce(10, 3, combiner="mean", embeddings_initializer="ones")
record("reduce", embed(np.array([[1, 2], [3, 4]])))
done(
    f"{hits:.0%} of the found films are of the user's genre; ranking loss {losses[0]:.2f} to {losses[-1]:.2f}"
)
