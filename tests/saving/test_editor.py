"""KerasFileEditor: what it changes is what the next model reads."""

import numpy as np
import pytest

import lamina
from lamina import layers


def made(*names):
    return lamina.Sequential([lamina.Input((4,)), *(layers.Dense(4, name=n) for n in names)], name="m")


def test_objects_are_added_renamed_and_deleted(tmp_path, capsys):
    old = made("a", "b")
    old.save_weights(tmp_path / "x.weights.h5")
    editor = lamina.saving.KerasFileEditor(tmp_path / "x.weights.h5")
    assert sorted(editor.weights_dict) == ["layers/dense", "layers/dense_1"]
    editor.delete_object("dense")
    editor.rename_object("dense_1", "dense")
    editor.add_object("layers/dense_1", {"0": np.ones((4, 4), "float32"), "1": np.zeros(4, "float32")})
    assert editor.compare(made("a", "b"))["status"] == "success"
    editor.save(tmp_path / "y.weights.h5")
    new = made("a", "b")
    new.load_weights(tmp_path / "y.weights.h5")
    np.testing.assert_array_equal(new.layers[0].kernel.numpy(), old.layers[1].kernel.numpy())
    np.testing.assert_array_equal(new.layers[1].kernel.numpy(), np.ones((4, 4)))
    editor.summary()
    assert "0: shape=(4, 4), dtype=float32" in capsys.readouterr().out


def test_differences_and_errors(tmp_path, capsys):
    made("a").save(tmp_path / "x.keras")
    editor = lamina.saving.KerasFileEditor(tmp_path / "x.keras")
    found = editor.compare(made("a", "b"))
    assert (found["status"], found["error_count"], found["match_count"]) == ("error", 2, 2)
    assert "- missing     layers/dense_1/0: the model wants (4, 4)" in capsys.readouterr().out
    editor.delete_weight("dense", "1")
    editor.add_weights("dense", {"0": np.zeros((2, 2))})
    assert "! other shape layers/dense/0" in (editor.compare(made("a")), capsys.readouterr().out)[1]
    with pytest.raises(ValueError, match=r"no object 'layers/dens'.*Did you mean"):
        editor.delete_object("layers/dens")
    with pytest.raises(ValueError, match="has no weight '7'"):
        editor.delete_weight("dense", "7")
    with pytest.raises(ValueError, match="one part of a path"):
        editor.rename_object("dense", "../x")
    with pytest.raises(ValueError, match=r"must end in '\.weights\.h5'"):
        editor.save(tmp_path / "x.h5")
