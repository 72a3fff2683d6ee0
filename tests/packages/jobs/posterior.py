"""bayesflow: the posterior of the mean of a normal distribution, learned from simulations, against the exact one."""

import bayesflow as bf
import keras
import numpy as np
from exchange import FOLDER, done

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
COUNT = 5


def prior():
    return {"theta": rng.normal(size=2)}


def observe(theta):
    return {"x": theta + 0.5 * rng.normal(size=(COUNT, 2))}


simulator = bf.make_simulator([prior, observe])
workflow = bf.BasicWorkflow(
    simulator=simulator,
    inference_network=bf.networks.CouplingFlow(depth=2, subnet_kwargs={"widths": (32, 32)}),
    summary_network=bf.networks.DeepSet(summary_dim=4, depth=1),
    inference_variables=["theta"],
    summary_variables=["x"],
    initial_learning_rate=5e-3,
)
data = workflow.simulate(1024)
history = workflow.fit_offline(
    data, epochs=12, batch_size=64, verbose=0, validation_data=workflow.simulate(64)
)
losses = history.history["loss"]
assert losses[-1] < losses[0] - 0.5, losses

# exact: the prior N(0, 1) and five observations of variance 1/4
test = simulator.sample(20)
samples = workflow.sample(conditions={"x": test["x"]}, num_samples=200)["theta"]
exact = test["x"].sum(1) / 0.25 / (1 + COUNT / 0.25)
error = np.abs(np.asarray(samples).mean(1) - exact).mean()
width = np.asarray(samples).std(1).mean() / (1 + COUNT / 0.25) ** -0.5
assert samples.shape == (20, 200, 2)
assert error < 0.25, error
assert 0.6 < width < 1.8, width
log_prob = workflow.log_prob({"theta": test["theta"], "x": test["x"]})
assert np.isfinite(np.asarray(log_prob)).all()

path = FOLDER / "approximator.keras"
workflow.approximator.save(path)
again = keras.saving.load_model(path)
prepared = {"theta": test["theta"], "x": test["x"]}
np.testing.assert_allclose(
    np.asarray(again.log_prob(prepared)),
    np.asarray(workflow.approximator.log_prob(prepared)),
    rtol=1e-3,
    atol=1e-3,
)
done(
    f"loss {losses[0]:.2f} to {losses[-1]:.2f}; means of the posterior off by {error:.2f}, its width {width:.2f} of the exact"
)
