"""deel-lip: a network whose slope is at most one, trained with the losses of optimal transport."""

import keras
import numpy as np
from deel import lip
from exchange import done

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
x = rng.normal(size=(64, 2)).astype("float32")
y = np.where(x[:, :1] + x[:, 1:] > 0, 1.0, -1.0).astype("float32")
x += y  # two clouds

for loss in (lip.losses.KR(), lip.losses.HKR(alpha=10.0), lip.losses.HingeMargin(1.0)):
    value = float(loss(y, 2 * y))
    assert np.isfinite(value), (loss, value)
assert (
    abs(float(lip.losses.KR()(y, 2 * y)) - 4.0) < 1e-4 or abs(float(lip.losses.KR()(y, 2 * y)) + 4.0) < 1e-4
)

model = lip.model.Sequential(
    [
        keras.Input((2,)),
        lip.layers.SpectralDense(8, activation=lip.activations.FullSort()),
        lip.layers.SpectralDense(8, activation=lip.activations.GroupSort2()),
        lip.layers.FrobeniusDense(1),
    ],
    k_coef_lip=1.0,
)
model.compile(
    keras.optimizers.Adam(1e-2),
    lip.losses.HKR(alpha=10.0, min_margin=1.0),
    metrics=[lip.metrics.BinaryProvableRobustAccuracy(0.1)],
)
history = model.fit(x, y, epochs=10, batch_size=16, verbose=0).history
assert history["loss"][-1] < history["loss"][0], history
a, b = (rng.normal(size=(50, 2)).astype("float32") for _ in "ab")
slopes = np.abs(model.predict(a, verbose=0) - model.predict(b, verbose=0))[:, 0] / np.linalg.norm(
    a - b, axis=1
)
assert slopes.max() < 1.02, slopes.max()
plain = model.vanilla_export()
np.testing.assert_allclose(plain.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-3, atol=1e-3)
done(f"loss {history['loss'][0]:.2f} to {history['loss'][-1]:.2f}; the steepest slope is {slopes.max():.3f}")
