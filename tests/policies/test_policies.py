"""Policies: names, configs, maps by path, and a clear no to quantized ones."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import BACKENDS, keras

import lamina
from lamina import backends, dtype_policies, mixed_precision
from lamina.dtype_policies import DTypePolicy, DTypePolicyMap
from lamina.kernel.context import interpreter

NAMES = ["float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16", "int8", "int32"]


@pytest.mark.parametrize("name", NAMES)
def test_policies_are_those_of_keras(name: str) -> None:
    ours, theirs = DTypePolicy(name), keras.DTypePolicy(name)
    assert (ours.name, ours.compute_dtype, ours.variable_dtype) == (
        theirs.name,
        theirs.compute_dtype,
        theirs.variable_dtype,
    )
    assert ours.get_config() == theirs.get_config()
    assert dtype_policies.serialize(ours) == keras.dtype_policies.serialize(theirs)
    assert dtype_policies.deserialize(dtype_policies.serialize(ours)) == ours
    assert dtype_policies.get(name) == ours
    assert dtype_policies.get({"class_name": "DTypePolicy", "config": {"name": name}}) == ours


@pytest.mark.parametrize(
    ("name", "nearest"), [("float31", "float32"), ("mixed_float8", "mixed_float16"), ("Float32", "float32")]
)
def test_unknown_names(name: str, nearest: str) -> None:
    for make in (DTypePolicy, dtype_policies.get):
        with pytest.raises(ValueError, match=f"Unknown dtype policy '{name}'. Did you mean '{nearest}'"):
            make(name)


def test_quantized_policies_are_not_there_yet() -> None:
    for make in (
        lambda: dtype_policies.get("int8_from_float32"),
        lambda: dtype_policies.QuantizedDTypePolicy("int8", "float32"),
        lambda: dtype_policies.QuantizedFloat8DTypePolicy("float8"),
        lambda: dtype_policies.GPTQDTypePolicy("gptq/4/128"),
    ):
        with pytest.raises(NotImplementedError, match="not supported yet"):
            make()


def test_a_map() -> None:
    table = DTypePolicyMap("mixed_bfloat16", {"encoder/.*": DTypePolicy("float16")})
    table["decoder/dense"] = "float64"
    assert table["encoder/dense"].name == "float16"
    assert table["encoder"].name == "mixed_bfloat16"
    assert table["decoder/dense"].name == "float64"
    assert (table.name, table.compute_dtype, table.variable_dtype) == (
        "map_mixed_bfloat16",
        "bfloat16",
        "float32",
    )
    assert len(table) == 2
    assert list(table) == ["encoder/.*", "decoder/dense"]
    with pytest.raises(ValueError, match="already"):
        table["encoder/.*"] = "float16"
    table["enc.*/dense"] = "float16"
    with pytest.raises(ValueError, match="is matched by"):
        table["encoder/dense"]
    del table["enc.*/dense"]
    theirs = keras.dtype_policies.DTypePolicyMap(
        "mixed_bfloat16",
        {"encoder/.*": keras.DTypePolicy("float16"), "decoder/dense": keras.DTypePolicy("float64")},
    )
    assert table.get_config() == theirs.get_config()
    assert dtype_policies.serialize(table) == keras.dtype_policies.serialize(theirs)
    assert dtype_policies.deserialize(dtype_policies.serialize(table)) == table
    assert dtype_policies.get(table) is table
    with pytest.raises(TypeError, match="must be a dict"):
        DTypePolicyMap(policy_map=3)


def test_the_default_of_a_map_is_the_global_policy() -> None:
    table = DTypePolicyMap()
    before = mixed_precision.global_policy()
    try:
        mixed_precision.set_global_policy("mixed_float16")
        assert table["anything"].name == "mixed_float16"
        assert mixed_precision.dtype_policy().name == "mixed_float16"
    finally:
        mixed_precision.set_global_policy(before)
    assert table["anything"].name == "float32"


@pytest.mark.parametrize("backend", BACKENDS)
def test_convert_input(backend: str) -> None:
    policy = DTypePolicy("mixed_float16")
    with interpreter(backends.load(backend)) as k:
        x = np.ones(2, "float32")
        assert k.dtype(policy.convert_input(x, True, "float16")) == "float16"
        assert k.dtype(policy.convert_input(x, False, "float16")) == "float32"
        assert k.dtype(policy.convert_input(np.ones(2, "int32"), True, "float16")) == "int32"


def test_layers_take_policies_and_maps() -> None:
    layer = lamina.layers.Dense(
        2, dtype=DTypePolicyMap("float32", {"narrow": "mixed_bfloat16"}), name="narrow"
    )
    assert lamina.layers.Dense(2, dtype="mixed_bfloat16").compute_dtype == "bfloat16"
    again = lamina.layers.Dense.from_config(layer.get_config())
    assert again.dtype_policy == layer.dtype_policy
