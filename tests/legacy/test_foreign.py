"""Layers of the real Keras, and classes in place of layers, in a Lamina model: one clear error."""

import keras
import pytest

import lamina


def test_a_layer_of_the_real_package_is_refused_by_name():
    from keras.layers import Dense

    with pytest.raises(
        ValueError, match=r"belongs to the installed package 'keras' \(keras\.src.*Dense\).*`lamina run"
    ):
        lamina.Sequential([lamina.Input((3,)), Dense(2)])
    with pytest.raises((ValueError, TypeError), match="belongs to the installed package 'keras'"):
        lamina.Model(keras.Input((3,)), lamina.Input((2,)))
    with pytest.raises(
        ValueError, match=r"is not an optimizer\. It belongs to the installed package 'keras'"
    ):
        lamina.Sequential([lamina.Input((3,))]).compile(keras.optimizers.Adam())


def test_a_class_is_no_layer():
    with pytest.raises(
        ValueError, match=r"got the class Dense, not a layer of it\. Make one: Dense\(\.\.\.\)"
    ):
        lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense])
