"""keras-tcn: a temporal convolutional network that learns to add two marked numbers."""

import keras
import numpy as np
from exchange import FOLDER, done, record, share
from tcn import TCN, compiled_tcn

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
LENGTH = 12
x = rng.random((128, LENGTH, 2)).astype("float32")
x[..., 1] = 0
for row in x:
    row[rng.choice(LENGTH, 2, replace=False), 1] = 1
y = (x[..., 0] * x[..., 1]).sum(1, keepdims=True)

inputs = keras.Input((LENGTH, 2))
tcn = TCN(8, kernel_size=3, dilations=(1, 2, 4), use_layer_norm=True)
model = keras.Model(inputs, keras.layers.Dense(1)(tcn(inputs)))
share(model)
record("before", model.predict(x, verbose=0))
record("receptive field", tcn.receptive_field)
model.compile(keras.optimizers.Adam(1e-2), "mse")
losses = model.fit(x, y, epochs=8, batch_size=32, shuffle=False, verbose=0).history["loss"]
record("losses", losses, 1e-2)
assert losses[-1] < 0.5 * losses[0], losses
model.save(FOLDER / "tcn.keras")
again = keras.saving.load_model(FOLDER / "tcn.keras", custom_objects={"TCN": TCN})
np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)

sequence = compiled_tcn(
    num_feat=2, num_classes=3, nb_filters=4, kernel_size=2, dilations=[1, 2], nb_stacks=1, max_len=LENGTH,
    use_batch_norm=True, return_sequences=True,
)  # fmt: skip
found = sequence.fit(x, rng.integers(0, 3, (128, LENGTH, 1)), epochs=1, verbose=0).history
assert np.isfinite(found["loss"]).all()
done(f"loss {losses[0]:.3f} to {losses[-1]:.3f}; file read again; compiled_tcn trained")
