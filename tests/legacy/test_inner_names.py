"""Names below `keras.src` that packages use: they do what Keras's do."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import importlib

import keras
import ml_dtypes
import numpy as np
import pytest

import lamina
from lamina.legacy import equations, h5_store, paths, src, utils
from lamina.legacy.losses import Reduction

REAL = "keras.src.layers"


@pytest.mark.parametrize("dims", [(2, 1, 2), (2, 2, 1), (3, 1, 2), (1, 2, 2)])
def test_the_equation_of_a_projection(dims):
    real = importlib.import_module(f"{REAL}.attention.multi_head_attention")
    assert equations._build_proj_equation(*dims) == real._build_proj_equation(*dims)


@pytest.mark.parametrize(("rank", "axes"), [(4, (1,)), (5, (1, 2)), (5, (2,))])
def test_the_equations_of_attention(rank, axes):
    real = importlib.import_module(f"{REAL}.attention.multi_head_attention")
    assert equations._build_attention_equation(rank, axes) == real._build_attention_equation(rank, axes)


@pytest.mark.parametrize(
    ("equation", "bias", "shape", "output"),
    [
        ("abc,cd->abd", "d", (None, 3, 4), (3, 5)),
        ("abc,cde->abde", "de", (None, 3, 4), (3, 2, 5)),
        ("...x,xy->...y", "y", (None, 2, 3), 5),
        ("ab,bcd->acd", "c", (None, 2), (3, 4)),
        ("abc,cd->abd", "bd", (None, 3, 4), (3, 5)),
        ("abc,cd->abd", None, (None, 3, 4), (3, 5)),
    ],
)
def test_what_an_equation_says(equation, bias, shape, output):
    real = importlib.import_module(f"{REAL}.core.einsum_dense")._analyze_einsum_string
    ours = equations._analyze_einsum_string(equation, bias, shape, output)
    wanted = real(equation, bias, shape, output)
    assert [None if x is None else list(x) for x in ours] == [None if x is None else list(x) for x in wanted]
    kernel = lamina.layers.EinsumDense(equation, output, bias_axes=bias)
    kernel.build(shape)
    assert list(kernel.kernel.shape) == list(ours[0])


def test_an_equation_without_sizes_is_refused():
    with pytest.raises(ValueError, match="'d' is not known"):
        equations._analyze_einsum_string("abc,cd->abd", None, (None, 3, 4), (3, None))
    with pytest.raises(ValueError, match="Cannot read the equation"):
        equations._analyze_einsum_string("abc->ab", None, (None, 3, 4), (3, 5))


def test_h5_stores_go_both_ways(tmp_path):
    real = importlib.import_module("keras.src.saving.saving_lib").H5IOStore
    arrays = {"rank": np.array(4), "a": np.arange(6.0).reshape(2, 3), "b": np.ones(3, ml_dtypes.bfloat16)}
    for write, read in ((real, h5_store.H5IOStore), (h5_store.H5IOStore, real)):
        path = tmp_path / "store.h5"
        store = write(path, mode="w")
        entries = store.make("lora/3")
        for name, value in arrays.items():
            entries[name] = value
        store.close()
        store = read(path, mode="r")
        found = store.get("lora/3")
        for name, value in arrays.items():
            assert found[name].dtype == value.dtype
            np.testing.assert_array_equal(found[name][()], value)
        store.close()
    with pytest.raises(ValueError, match="mode must be"):
        h5_store.H5IOStore(tmp_path / "store.h5", mode="a")


def test_safe_mode_is_on_while_an_object_is_made():
    seen = []

    class Layer(lamina.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            seen.append(src.in_safe_mode())

    layer = Layer()
    config = lamina.saving.serialize_keras_object(layer)
    lamina.saving.deserialize_keras_object(config, custom_objects={"Layer": Layer})
    assert seen == [False, True]
    assert not src.in_safe_mode()


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("output_padding", [None, 1])
def test_the_length_after_a_transposed_convolution(padding, output_padding):
    for length, size, stride, dilation in ((5, 3, 2, 1), (4, 2, 3, 1), (6, 4, 2, 1)):
        layer = keras.layers.Conv1DTranspose(
            1, size, strides=stride, padding=padding, output_padding=output_padding, dilation_rate=dilation
        )
        wanted = layer.compute_output_shape((1, length, 1))[1]
        assert utils.deconv_output_length(length, size, padding, output_padding, stride, dilation) == wanted


def test_the_letters_of_a_data_format():
    assert utils.convert_data_format("channels_last", 4) == "NHWC"
    assert utils.convert_data_format("channels_first", 5) == "NCDHW"


def test_what_averaging_was_called():
    Reduction.validate(Reduction.AUTO)
    loss = lamina.losses.MeanSquaredError(reduction=Reduction.AUTO)
    assert float(loss(np.zeros((2, 1)), np.array([[1.0], [3.0]]))) == 5.0
    with pytest.raises(ValueError, match="Reduction must be one of"):
        Reduction.validate("mean")


def test_classes_of_operations_are_names_only():
    lamina.install_as_keras()
    try:
        classes = importlib.import_module("keras.src.ops.numpy")
        names = [
            "Abs",
            "Add",
            "Concatenate",
            "Einsum",
            "GetItem",
            "Matmul",
            "Moveaxis",
            "Sum",
            "Transpose",
            "TrueDivide",
        ]
        for name in names:
            cls = getattr(classes, name)
            assert not isinstance(lamina.ops.add(lamina.Input((1,)), 1), cls)
            with pytest.raises(NotImplementedError, match=name):
                cls()
        assert not hasattr(classes, "Nothing")
        assert classes.add is lamina.ops.add
    finally:
        lamina.uninstall_as_keras()


def test_distribution_is_there_to_be_asked():
    assert paths.sources("distribution")
    lamina.install_as_keras()
    try:
        from keras import distribution
        from keras.src.distribution import distribution_lib

        assert distribution.distribution() is None
        assert distribution_lib.distribution() is None
        assert not isinstance(lamina.Input((1,)), distribution.DeviceMesh)
    finally:
        lamina.uninstall_as_keras()
