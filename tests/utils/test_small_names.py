"""Small public names: Config, device, version, SymbolicScope, configs of Keras 2."""

import json
import pickle

import numpy as np
import pytest
from oracle import BACKENDS, keras

import lamina
from lamina.core.symbolic_scope import in_symbolic_scope


@pytest.mark.parametrize("library", [keras, lamina])
def test_config_holds_values(library):
    config = library.utils.Config(a=1, b={"c": 2})
    config.x = 5
    config["y"] = 6
    assert (config.a, config["x"], config.get("q"), config.get("q", 3), config.pop("a")) == (1, 5, None, 3, 1)
    config.update({"z": 1})
    config.update(k=3)
    assert sorted(config) == ["b", "k", "x", "y", "z"]
    assert config.as_dict() == dict(config.items())
    assert json.loads(config.to_json()) == {"b": {"c": 2}, "x": 5, "y": 6, "z": 1, "k": 3}
    assert repr(library.utils.Config(a=1)) == "<Config {'a': 1}>"
    assert "x" in config
    assert len(config) == 5
    for change in (lambda: setattr(config, "x", 1), lambda: config.pop("x"), lambda: config.update(x=1)):
        config.freeze()
        assert config.frozen
        with pytest.raises(ValueError, match="frozen"):
            change()
    config.unfreeze()
    config.x = 7
    with pytest.raises(AttributeError, match="nope"):
        config.nope  # noqa: B018
    with pytest.raises(KeyError):
        config["nope"]


def test_own_config_says_what_is_wrong_and_is_copied():
    config = lamina.utils.Config(rate=0.1)
    with pytest.raises(AttributeError, match=r"The config has no value 'rat'\. Did you mean 'rate'"):
        config.rat  # noqa: B018
    config.extra = 1
    del config.extra
    assert config == lamina.utils.Config(rate=0.1)
    config.freeze()
    again = pickle.loads(pickle.dumps(config))
    assert again == config
    with pytest.raises(
        ValueError, match=r"This config is frozen, so its values cannot be changed. Call `unfreeze\(\)`"
    ):
        del again.rate


@pytest.mark.parametrize("backend", BACKENDS)
def test_device_scope(backend):
    with lamina.backend(backend):
        assert "cpu:0" in lamina.config.devices("cpu")
        with lamina.device("cpu:0"):
            layer = lamina.layers.Dense(2)
            found = layer(lamina.ops.ones((1, 3)))
        assert found.shape == (1, 2)
        with pytest.raises(ValueError, match=f"backend '{backend}' has no device 'cpu:97'. Devices: cpu:0"):
            lamina.device("cpu:97")
        for name in ("cpu:one", "", None):
            with pytest.raises(ValueError, match="expected a name such as 'cpu:0'"):
                lamina.device(name)


TWO = """
import lamina
assert lamina.config.devices() == ["cpu:0", "cpu:1"]
with lamina.device("cpu:1"):
    x = lamina.ops.ones(2)
    v = lamina.Variable([1.0, 2.0])
    value = v.value
    y = x + value
assert {d.id for t in (x, value, y) for d in t.devices()} == {1}
assert {d.id for d in lamina.ops.ones(2).devices()} == {0}
print("there")
"""


def test_tensors_and_variables_go_where_the_scope_says():
    """On two devices, which jax makes of one CPU."""
    import os
    import subprocess
    import sys

    environment = {
        **os.environ,
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "LAMINA_BACKEND": "jax",
    }
    done = subprocess.run([sys.executable, "-c", TWO], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "there", done.stderr[-2000:]


def test_version_and_symbolic_scope():
    assert lamina.version() == lamina.__version__
    assert not in_symbolic_scope()
    with lamina.SymbolicScope() as outer, lamina.SymbolicScope():
        assert isinstance(outer, lamina.SymbolicScope)
        assert in_symbolic_scope()
    assert not in_symbolic_scope()


def test_configs_of_keras_2():
    for place in (lamina.legacy.saving, lamina.utils.legacy):
        config = place.serialize_keras_object(lamina.regularizers.L2(0.5))
        theirs = keras.legacy.saving.serialize_keras_object(keras.regularizers.L2(0.5))
        assert config["class_name"] == theirs["class_name"] == "L2"
        np.testing.assert_allclose(config["config"]["l2"], theirs["config"]["l2"])
        again = place.deserialize_keras_object(config, module_objects={"L2": lamina.regularizers.L2})
        np.testing.assert_allclose(again.l2, 0.5)
        assert place.serialize_keras_object(None) is place.deserialize_keras_object(None) is None
        assert place.serialize_keras_object(lamina.activations.relu) == "relu"
    read = lamina.legacy.saving.deserialize_keras_object
    table = {"relu": lamina.activations.relu, "L2": lamina.regularizers.L2}
    assert read("relu", module_objects=table) is lamina.activations.relu
    assert isinstance(read("L2", module_objects=table), lamina.regularizers.L2)
    assert read("own", custom_objects={"own": len}) is len
    assert read(len) is len
    with pytest.raises(ValueError, match=r"Unknown loss 'rel'\. Did you mean 'relu'"):
        read("rel", module_objects=table, printable_module_name="loss")
    with pytest.raises(
        ValueError, match="The config of a layer must be a dict with `class_name` and `config`"
    ):
        read({"class_name": "L2"}, printable_module_name="layer")
    with pytest.raises(ValueError, match="Cannot make a layer of 3"):
        read(3, printable_module_name="layer")
    with pytest.raises(ValueError, match=r"3 .int. has neither `get_config` nor a name"):
        lamina.legacy.saving.serialize_keras_object(3)
