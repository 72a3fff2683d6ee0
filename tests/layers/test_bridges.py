"""Models of other libraries as layers: what they give, what they train, and that no file makes one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import keras

import lamina
from lamina import backends, layers
from lamina.core.stateless import StatelessScope
from lamina.errors import BackendError, SerializationError
from lamina.kernel.context import interpreter

X = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")


def on(name: str) -> Any:
    if name not in backends.installed():
        pytest.skip(f"{name} is not installed")
    return interpreter(backends.load(name))


# -- jax ---------------------------------------------------------------------------------------------------------------


def affine(params: Any, inputs: Any) -> Any:
    return inputs @ params["kernel"] + params["bias"]


def affine_params() -> dict[str, np.ndarray]:
    return {"kernel": np.ones((4, 3), "float32"), "bias": np.arange(3, dtype="float32")}


def test_jax_function_with_parameters() -> None:
    with on("jax"):
        layer = layers.JaxLayer(affine, params=affine_params())
        assert [tuple(v.shape) for v in layer.trainable_variables] == [(3,), (4, 3)]
        np.testing.assert_allclose(np.asarray(layer(X)), X @ np.ones((4, 3)) + np.arange(3), rtol=1e-5)
        assert layer(lamina.Input((4,))).shape == (None, 3)


def test_jax_trees_are_attributes() -> None:
    """Numbers are variables, None stays None, and a class that jax knows is a node."""
    import jax

    @jax.tree_util.register_pytree_node_class
    class Pair:
        def __init__(self, a: Any, b: Any) -> None:
            self.a, self.b = a, b

        def tree_flatten(self) -> Any:
            return (self.a, self.b), None

        @classmethod
        def tree_unflatten(cls, _: Any, parts: Any) -> Any:
            return cls(*parts)

    def call(params: Any, state: Any, inputs: Any) -> Any:
        out = inputs @ params["pair"].a + params["pair"].b
        return out, {"calls": state["calls"] + 1, "none": None}

    def init(rng: Any, inputs: Any) -> Any:
        return {"pair": Pair(np.ones((4, 2), "float32"), 3.0), "none": None}, {"calls": 0, "none": None}

    with on("jax"):
        layer = layers.JaxLayer(call, init, seed=3)
        assert layer.params is None
        layer(X)
        layer(X)
        assert isinstance(layer.params["pair"], Pair)
        assert layer.params["none"] is None
        assert isinstance(layer.params["pair"].a, lamina.Variable)
        assert int(layer.state["calls"]) == 2
        assert [v.trainable for v in layer.weights] == [True, True, False]
        assert layers.JaxLayer(lambda inputs: 2 * inputs)(X).shape == (2, 4)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((lambda params, inputs: 0, lambda foo, inputs: {}), "`init_fn` has a parameter 'foo'"),
        (
            (lambda params, inputs: 0, lambda rng, inputs: {"w": "text"}),
            "must be arrays, numbers or None, got 'text'",
        ),
        (
            (lambda params, state, inputs: 0, lambda rng, inputs: {}),
            r"must give the pair \(params, state\), got dict",
        ),
        ((lambda params, inputs: 0,), "give `init_fn`, or `params` and `state`"),
    ],
)
def test_jax_mistakes(arguments: Any, text: str) -> None:
    with on("jax"), pytest.raises((TypeError, ValueError), match=text):
        layers.JaxLayer(*arguments)(X)


def test_jax_function_with_state_and_draws() -> None:
    import jax

    def init(rng: Any, inputs: Any) -> Any:
        return {"w": jax.random.normal(rng, (inputs.shape[-1], 2))}, {"count": np.zeros((), "float32")}

    def call(params: Any, state: Any, rng: Any, inputs: Any, training: bool) -> Any:
        noise = jax.random.normal(rng, inputs.shape) if training else 0.0
        return (inputs + noise) @ params["w"], {"count": state["count"] + 1.0 * training}

    with on("jax"):
        layer = layers.JaxLayer(call, init_fn=init, seed=1)
        assert layer(lamina.Input((4,))).shape == (None, 2)
        assert float(layer.non_trainable_weights[0].numpy()) == 0
        first, second = (np.asarray(layer(X, training=True)) for _ in range(2))
        assert not np.array_equal(first, second)
        assert float(layer.non_trainable_weights[0].numpy()) == 2
        np.testing.assert_array_equal(np.asarray(layer(X)), np.asarray(layer(X, training=False)))


def test_gradients_flow_through_a_jax_function() -> None:
    with on("jax") as k:
        layer = layers.JaxLayer(affine, params=affine_params())

        def loss(values: list[Any]) -> Any:
            outputs, _ = layer.stateless_call(
                values, [v.value for v in layer.non_trainable_variables], k.asarray(X)
            )
            return k.sum(outputs), None

        _, (bias, kernel) = k.value_and_grad(loss, [v.value for v in layer.trainable_variables])
        np.testing.assert_allclose(np.asarray(bias), [2, 2, 2])
        np.testing.assert_allclose(np.asarray(kernel), np.repeat(X.sum(0)[:, None], 3, 1), rtol=1e-5)


def test_jax_function_with_other_parameters() -> None:
    with on("jax"):
        with pytest.raises(
            ValueError, match=r"parameter 'x'.*must be among params, state, rng, inputs, training"
        ):
            layers.JaxLayer(lambda x: x, params={})
        with pytest.raises(ValueError, match="must take `inputs`"):
            layers.JaxLayer(lambda params: params, params={})
        with pytest.raises(ValueError, match="give `init_fn`"):
            layers.JaxLayer(affine)


class Module:
    """What FlaxLayer uses of a Flax module."""

    def __call__(self, inputs: Any, training: bool) -> Any:
        raise NotImplementedError

    def init(self, rng: Any, inputs: Any, method: Any = None, training: bool = True) -> Any:
        return {
            "params": {"w": np.ones((inputs.shape[-1], 2), "float32")},
            "stats": {"seen": np.zeros((), "float32")},
        }

    def apply(
        self,
        variables: Any,
        inputs: Any,
        rngs: Any = None,
        mutable: Any = (),
        method: Any = None,
        training: bool = True,
    ) -> Any:
        changed = {"stats": {"seen": variables["stats"]["seen"] + 1.0}} if mutable else {}
        return inputs @ variables["params"]["w"], changed


def test_flax_module() -> None:
    with on("jax"):
        layer = layers.FlaxLayer(Module())
        np.testing.assert_allclose(np.asarray(layer(X)), X @ np.ones((4, 2)), rtol=1e-5)
        layer(X, training=True)
        assert [v.path.split("/")[-1] for v in layer.weights] == ["params", "state"]
        assert float(layer.weights[1].numpy()) == 1
        given = layers.FlaxLayer(Module(), variables=Module().init(None, X))
        np.testing.assert_allclose(np.asarray(given(X)), X @ np.ones((4, 2)), rtol=1e-5)


# -- torch -------------------------------------------------------------------------------------------------------------


def test_torch_module_shares_its_tensors() -> None:
    with on("torch") as k:
        import torch

        module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
        layer = layers.TorchModuleWrapper(module)
        assert len(layer.trainable_variables) == 4
        assert len(layer.non_trainable_weights) == 3
        x = k.asarray(X)
        module.eval()
        np.testing.assert_allclose(k.to_numpy(layer(x)), k.to_numpy(module(x)), rtol=1e-5)
        layer.trainable_variables[0].assign(np.ones((3, 4), "float32"))
        assert float(module[0].weight.detach().mean()) == 1
        before = module[1].running_mean.clone()
        layer(x, training=True)
        assert not torch.equal(module[1].running_mean, before)
        assert layer(lamina.Input((4,))).shape == (None, 3)
        assert len(list(layer.parameters())) == 4


def test_torch_module_as_a_pure_function() -> None:
    with on("torch") as k:
        import torch

        module = torch.nn.Linear(4, 3)
        layer = layers.TorchModuleWrapper(module)
        values = [v.value * 0 for v in layer.trainable_variables]

        def loss(values: list[Any]) -> Any:
            return k.sum(layer.stateless_call(values, [], k.asarray(X))[0]), None

        (total, _), gradients = k.value_and_grad(loss, values)
        assert float(total) == 0
        np.testing.assert_allclose(k.to_numpy(gradients[1]), [2, 2, 2])


@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_torch_wants_modules() -> None:
    with on("torch"):
        import torch

        with pytest.raises(TypeError, match=r"must be a torch.nn.Module, got 3"):
            layers.TorchModuleWrapper(3)
        with pytest.raises(ValueError, match="call the lazy module once before"):
            layers.TorchModuleWrapper(torch.nn.LazyLinear(3))


# -- tensorflow --------------------------------------------------------------------------------------------------------


def test_saved_model(tmp_path: Any) -> None:
    with on("tensorflow"):
        import tensorflow as tf

        class Affine(tf.Module):
            def __init__(self) -> None:
                self.w = tf.Variable(tf.ones((4, 3)), name="w")
                self.variables_list = [self.w]

            @tf.function(input_signature=[tf.TensorSpec((None, 4))])
            def serve(self, inputs: Any) -> Any:
                return inputs @ self.w

        tf.saved_model.save(made := Affine(), str(tmp_path), signatures=made.serve)
        for name in ("serve", "serving_default"):
            layer = layers.TFSMLayer(tmp_path, call_endpoint=name)
            outputs = layer(X)
            outputs = next(iter(outputs.values())) if isinstance(outputs, dict) else outputs
            np.testing.assert_allclose(np.asarray(outputs), X @ np.ones((4, 3)), rtol=1e-5)
        with pytest.raises(ValueError, match=r"no endpoint 'foo'. Its signatures: serving_default"):
            layers.TFSMLayer(tmp_path, call_endpoint="foo")
        with pytest.raises(ValueError, match="folder of a SavedModel"):
            layers.TFSMLayer(tmp_path / "nothing")


# -- all ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["float16", "mixed_float16", "bfloat16", None])
def test_parameters_of_a_jax_function_have_the_dtypes_of_keras(policy: Any) -> None:
    def call(params: Any, inputs: Any) -> Any:
        return inputs @ params["w"] + params["n"]

    def dtypes(K: Any) -> Any:
        given = {"w": np.ones((4, 2), "float32"), "n": np.ones(2, "int32")}
        layer = K.layers.JaxLayer(call, params=given, dtype=policy)
        y = layer(np.ones((3, 4), "float32"))
        return str(y.dtype), layer(K.Input((4,))).dtype, sorted(v.dtype for v in layer.weights)

    with on("jax"):
        assert dtypes(lamina) == dtypes(keras)


@pytest.mark.parametrize("name", ["JaxLayer", "FlaxLayer", "TorchModuleWrapper", "TFSMLayer"])
def test_no_file_makes_a_bridge(name: str) -> None:
    config = {"module": "keras.layers", "class_name": name, "config": {"name": "a"}, "registered_name": None}
    with pytest.raises(SerializationError, match="runs code that a file cannot hold"):
        layers.deserialize(config)


def test_the_other_backend_is_named() -> None:
    with (
        on("numpy"),
        pytest.raises(BackendError, match="JaxLayer runs code of jax, but the backend is 'numpy'"),
    ):
        layers.JaxLayer(affine, params=affine_params())


def test_configs_hold_no_code() -> None:
    with on("jax"), StatelessScope():
        layer = layers.JaxLayer(affine, params=affine_params(), name="mine")
        assert set(layer.get_config()) == {"name", "trainable", "dtype"}


def test_what_flax_calls_no_module() -> None:
    with on("jax"):
        assert set(layers.FlaxLayer(Module()).get_config()) == {"name", "trainable", "dtype"}
        with pytest.raises(TypeError, match=r"must be a flax.linen.Module.*got 3"):
            layers.FlaxLayer(3)
