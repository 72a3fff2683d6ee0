"""hgq2: a network whose widths in bits are learned."""

import keras
import numpy as np
from exchange import FOLDER, done, record, share
from hgq.config import LayerConfigScope, QuantizerConfigScope
from hgq.layers import QConv2D, QDense, QMultiHeadAttention
from hgq.utils import trace_minmax

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
labels = np.arange(64) % 2
images = (rng.random((64, 6, 6, 1)) + labels[:, None, None, None]).astype("float32")

with (
    QuantizerConfigScope(place="all", default_q_type="kbi", overflow_mode="SAT_SYM"),
    QuantizerConfigScope(place="datalane", default_q_type="kif", overflow_mode="WRAP"),
    LayerConfigScope(enable_ebops=True, beta0=1e-5),
):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)), QConv2D(4, 3, activation="relu"), keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(), QDense(2),
        ]
    )  # fmt: skip
share(model)
record("before", model.predict(images, verbose=0), 1e-3)
model.compile(
    keras.optimizers.Adam(1e-2),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(images, labels, epochs=6, batch_size=16, shuffle=False, verbose=0).history
record("losses", history["loss"], 5e-2)
assert history["loss"][-1] < history["loss"][0], history
bits = sum(float(layer.ebops) for layer in model.layers if hasattr(layer, "ebops"))
record("operations in bits", bits, 5e-2)
assert bits > 0
trace_minmax(model, images, verbose=False)
quantised = model.predict(images, verbose=0)
model.save(FOLDER / "quantised.keras")
again = keras.saving.load_model(FOLDER / "quantised.keras")
np.testing.assert_array_equal(again.predict(images, verbose=0), quantised)

with LayerConfigScope(enable_ebops=True, beta0=1e-5):
    attend = QMultiHeadAttention(2, 4)
x = rng.normal(size=(2, 3, 8)).astype("float32")
attended = keras.ops.convert_to_numpy(attend(x, x))
assert attended.shape == (2, 3, 8)
assert np.isfinite(attended).all()
done(
    f"loss {history['loss'][0]:.2f} to {history['loss'][-1]:.2f}; {bits:.0f} operations in bits; file read again; attention"
)
