"""TensorBoard: what stands in its files, read back by TensorBoard's own reader."""

import json
import subprocess
import sys

import numpy as np
import pytest

import lamina
from lamina import callbacks
from lamina.callbacks import events

X = np.linspace(-1, 1, 8, dtype="float32")[:, None]


@pytest.fixture(autouse=True)
def _fast_backend():
    with lamina.backend("torch"):
        yield


def read(folder):
    """Tag -> [(step, value)] of the event files in a folder."""
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    found = {}
    for path in sorted(folder.iterdir()):
        for event in loader.RawEventFileLoader(str(path)).Load():
            from tensorboard.compat.proto.event_pb2 import Event

            event = Event.FromString(event)
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value))
    return found


def test_files(tmp_path):
    pytest.importorskip("tensorboard")
    model = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(2, name="d")])
    model.compile("sgd", "mse")
    board = callbacks.TensorBoard(
        tmp_path, histogram_freq=1, write_images=True, write_steps_per_second=True, update_freq=2
    )
    history = model.fit(
        X,
        np.zeros((8, 2)),
        batch_size=2,
        epochs=2,
        verbose=0,
        validation_data=(X, np.zeros((8, 2))),
        callbacks=[board],
    ).history
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    losses = [(step, value.simple_value) for step, value in train["epoch_loss"]]
    assert losses == [(0, pytest.approx(history["loss"][0])), (1, pytest.approx(history["loss"][1]))]
    assert [step for step, _ in train["batch_loss"]] == [2, 4, 6, 8]  # the batches so far, as in Keras
    assert [step for step, _ in train["batch_steps_per_second"]] == [2, 4, 6, 8]
    assert train["epoch_learning_rate"][0][1].simple_value == pytest.approx(0.01)
    assert train["epoch_steps_per_second"][0][1].simple_value > 0
    assert [v.simple_value for _, v in validation["epoch_loss"]] == pytest.approx(history["val_loss"])
    assert [step for step, _ in validation["evaluation_loss_vs_iterations"]] == [4, 8]
    kernel = next(tag for tag in train if tag.endswith("kernel/histogram"))
    assert train[kernel][0][1].histo.num == 2
    picture = train[kernel.replace("histogram", "image")][0][1].image.encoded_image_string
    assert picture.startswith(b"\x89PNG")
    graph = train["keras"][0][1]
    assert graph.metadata.plugin_data.plugin_name == "graph_keras_model"
    assert json.loads(graph.tensor.string_val[0])["class_name"] == "Sequential"


def test_embeddings(tmp_path):
    pytest.importorskip("tensorboard")
    model = lamina.Sequential(
        [lamina.Input((3,), dtype="int32"), lamina.layers.Embedding(5, 2, name="words")]
    )
    model.compile("sgd", "mse")
    board = callbacks.TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"words": "labels.tsv"})
    model.fit(np.zeros((4, 3), "int32"), np.zeros((4, 3, 2)), verbose=0, callbacks=[board])
    assert np.loadtxt(tmp_path / "words.tsv").shape == (5, 2)
    assert 'metadata_path: "labels.tsv"' in (tmp_path / "projector_config.pbtxt").read_text()
    with pytest.raises(ValueError, match="no Embedding layer: words"):
        callbacks.TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"word": "x"}).set_model(model)


def test_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(events, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install tensorboardX"):
        callbacks.TensorBoard(tmp_path).summary.scalar("a", 1.0, 0)


def test_arguments():
    with pytest.raises(ValueError, match="own profiler"):
        callbacks.TensorBoard(profile_batch=2)
    with pytest.raises(ValueError, match="update_freq"):
        callbacks.TensorBoard(update_freq="step")


def test_no_tensorflow_is_imported():
    pytest.importorskip("tensorboardX")
    code = (
        "import sys, lamina.callbacks.events as e, tempfile\n"
        "w = e.Events(tempfile.mkdtemp()); w.scalar('a', 1.0, 0); w.close()\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
