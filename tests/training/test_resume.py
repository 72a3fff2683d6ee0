"""Training that is interrupted goes on exactly: the same weights, bit for bit, the same history and decisions."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from models import Watch, data, mlp, same_weights

import lamina
from lamina import callbacks
from lamina.errors import SerializationError

pytestmark = pytest.mark.steps_as_users_have_them

X, Y = data(70)
EVEN = X[:64], Y[:64]  # no smaller batch at the end: one program less to compile
SCRIPT = Path(__file__).with_name("resumed_run.py")


class Interrupt(callbacks.Callback):
    """Ends the process's training as Ctrl-C does."""

    def __init__(self, epoch: int, batch: int | None = None) -> None:
        super().__init__()
        self.place = (epoch, batch)
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.place:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        if (epoch, None) == self.place:
            raise KeyboardInterrupt


def watched():
    """Callbacks with a state of their own."""
    return [
        callbacks.EarlyStopping("val_loss", patience=50, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.1),
    ]


def run(folder, *interrupts, epochs=4, seed=1, every=3, source=None, data=(X, Y)):
    """Train, interrupted as often as there are interrupts; each time with a new model in an unlike random state."""
    for i, interrupt in enumerate((*interrupts, None)):
        model = mlp(seed=seed + 10 * i, dropout=0.3)
        np.random.rand(i)
        backup = callbacks.BackupAndRestore(folder, save_freq=every, delete_checkpoint=False)
        given = [*watched(), backup, *([interrupt] if interrupt else [])]
        feed = (
            {"x": data[0], "y": data[1], "batch_size": 16}
            if source is None
            else {"x": source(), "steps_per_epoch": 5}
        )
        try:
            history = model.fit(**feed, epochs=epochs, verbose=0, validation_data=data, callbacks=given)
        except KeyboardInterrupt:
            continue
        return model, history.history, history.epoch, given
    raise AssertionError


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_interrupted(name, tmp_path):
    with lamina.backend(name):
        rows = EVEN if name == "jax" else (X, Y)
        whole = run(tmp_path / "a", data=rows)
        broken = run(tmp_path / "b", *([] if name == "jax" else [Interrupt(1, 3)]), Interrupt(2), data=rows)
        assert same_weights(whole[0], broken[0])
        assert whole[2] == [0, 1, 2, 3]
        assert broken[2] == whole[2][-len(broken[2]) :]  # the epochs that ran in this run, as in Keras
        assert {name: values[-len(broken[2]) :] for name, values in whole[1].items()} == broken[1]
        for one, other in zip(whole[3][:2], broken[3][:2], strict=True):
            assert (one.best, one.wait) == (other.best, other.wait)


def test_resume_by_folder(backend, tmp_path):
    whole = mlp(dropout=0.3)
    whole.fit(*EVEN, epochs=3, batch_size=16, verbose=0)
    with pytest.raises(KeyboardInterrupt):
        mlp(dropout=0.3).fit(
            *EVEN, epochs=3, batch_size=16, verbose=0, callbacks=[Interrupt(1, 1)], resume=tmp_path / "r"
        )
    other = mlp(seed=7, dropout=0.3)
    history = other.fit(*EVEN, epochs=3, batch_size=16, verbose=0, resume=tmp_path / "r")
    assert same_weights(whole, other)
    assert history.epoch == [0, 1, 2]


def test_a_finished_run_has_nothing_left_to_do(tmp_path):
    with lamina.backend("torch"):
        first, again = mlp(), mlp(seed=2)
        first.fit(X, Y, epochs=2, verbose=0, resume=tmp_path)
        assert again.fit(X, Y, epochs=2, verbose=0, resume=tmp_path).epoch == [0, 1]
        assert same_weights(first, again)
        assert again.fit(X, Y, epochs=3, verbose=0, resume=tmp_path).epoch == [0, 1, 2]


class Numbered(lamina.utils.PyDataset):
    def __len__(self):
        return 7

    def __getitem__(self, index):
        return X[index * 10 : index * 10 + 10], Y[index * 10 : index * 10 + 10]


def noise():
    """An endless generator that draws from NumPy's own stream."""
    while True:
        rows = np.random.randint(0, 70, 12)
        yield X[rows], Y[rows]


def repeated():
    return [(X[i : i + 10], Y[i : i + 10]) for i in range(0, 70, 10)].__iter__


class Loader:
    """Can be read again and again; has no numbers."""

    def __iter__(self):
        return ((X[i : i + 10], Y[i : i + 10]) for i in range(0, 70, 10))


@pytest.mark.filterwarnings("ignore:The data ended")  # of a pass that is no multiple of an epoch
@pytest.mark.parametrize(
    "source", [lambda: Numbered(workers=2), noise, Loader], ids=["numbered", "generator", "loader"]
)
def test_place_in_a_source(source, tmp_path):
    with lamina.backend("torch"):
        whole = run(tmp_path / "a", source=source)
        broken = run(tmp_path / "b", Interrupt(0, 3), Interrupt(2, 0), source=source)
        assert same_weights(whole[0], broken[0])


def test_backup_is_removed_at_the_end(tmp_path):
    with lamina.backend("torch"):
        mlp().fit(X, Y, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path / "b")])
        assert not (tmp_path / "b").exists()


def test_a_damaged_state_is_told_and_the_one_before_it_serves(tmp_path):
    with lamina.backend("torch"):
        folder = tmp_path / "b"

        def fit(**options):
            return mlp().fit(
                X,
                Y,
                epochs=2,
                verbose=0,
                callbacks=[callbacks.BackupAndRestore(folder, delete_checkpoint=False, **options)],
            )

        fit(double_checkpoint=True)
        latest = folder / "training.safetensors"
        damaged = bytearray(latest.read_bytes())
        damaged[-3] ^= 1
        latest.write_bytes(damaged)
        with pytest.warns(UserWarning, match="checksum"):
            fit()
        latest.write_bytes(b"nothing")
        (folder / "training.previous.safetensors").unlink()
        with pytest.raises(SerializationError, match="Remove the folder"):
            fit()


def test_another_model_is_told(tmp_path):
    with lamina.backend("torch"):
        mlp().fit(X, Y, verbose=0, resume=tmp_path)
        other = lamina.Sequential([lamina.Input((5,)), lamina.layers.Dense(3)])
        other.compile("adam", "mse")
        with pytest.raises(SerializationError, match="another model"):
            other.fit(X, np.zeros((70, 3)), verbose=0, resume=tmp_path)


def test_csv_of_a_resumed_run_has_each_epoch_once(tmp_path):
    with lamina.backend("torch"):
        path = tmp_path / "log.csv"
        for interrupt in (Interrupt(2), None):
            given = [callbacks.CSVLogger(path, append=False), *([interrupt] if interrupt else [])]
            try:
                mlp().fit(X, Y, epochs=4, verbose=0, callbacks=given, resume=tmp_path / "r")
            except KeyboardInterrupt:
                continue
        assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["epoch", "0", "1", "2", "3"]


def test_arguments_are_checked(tmp_path):
    with pytest.raises(ValueError, match="save_freq"):
        callbacks.BackupAndRestore(tmp_path, save_freq="step")
    with pytest.raises(ValueError, match="empty"):
        callbacks.BackupAndRestore("")
    with pytest.raises(ValueError, match="from one folder"), lamina.backend("torch"):
        mlp().fit(
            X, Y, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path / "a")], resume=tmp_path / "b"
        )


# -- killed ------------------------------------------------------------------------------------------------------------


class Runs:
    """Starts runs of `resumed_run.py` in processes that are forked from one that has imported everything."""

    def __enter__(self):
        self.parent = subprocess.Popen(
            [sys.executable, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self.parent.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_):
        self.parent.stdin.close()
        self.parent.wait(timeout=60)
        self.parent.stdout.close()

    def run(self, folder: Path, step: int) -> tuple[str | None, int, bool]:
        """(what a run ends with, how many steps it took, whether it was killed at this step of it); 0 kills none."""
        self.parent.stdin.write(f"{step} {folder}\n")
        digest, steps = None, step
        while not (line := self.parent.stdout.readline()).startswith("end"):
            assert line, "the process that runs are forked from is gone"
            steps, digest = int(line.split()[0]), line.split()[1]
        status = int(line.split()[1])
        assert status in (0, -signal.SIGKILL)
        return digest, steps, status != 0

    def killed(self, folder: Path, steps: list[int]) -> tuple[str | None, int]:
        """What a run ends with that is killed at each of these steps and started again, and how often it was."""
        kills = 0
        for step in [*steps, 0]:
            digest, _, killed = self.run(folder, step)
            kills += killed
        return digest, kills


def test_killed_three_times(tmp_path):
    with Runs() as runs:
        whole, steps, _ = runs.run(tmp_path / "a", 0)
        broken, kills = runs.killed(tmp_path / "b", [steps // 5, steps // 3, steps // 5])
    assert whole == broken
    assert kills == 3


@pytest.mark.slow
def test_killed_at_random_two_hundred_times(tmp_path):
    rng = np.random.default_rng(0)
    with Runs() as runs:
        whole, steps, _ = runs.run(tmp_path / "a", 0)
        total = 0
        while total < int(os.environ.get("LAMINA_KILLS", "200")):
            broken, kills = runs.killed(tmp_path / f"b{total}", rng.integers(1, steps // 4, 8).tolist())
            assert broken == whole
            total += kills


def test_watch_is_not_in_the_way():
    """Callbacks without a state are no hindrance to a resume."""
    assert Watch().state_dict() == {}
