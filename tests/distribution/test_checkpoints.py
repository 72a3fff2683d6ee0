"""Checkpoints of several devices and processes: written by one world, read by another."""

import pytest
from test_processes import run

pytest.importorskip("orbax.checkpoint")

# who writes, and who reads: backend, devices of a process, processes, and how the model is divided
WORLDS = {
    "jax-2x4": ("jax", 8, 1, "grid"), "jax-8": ("jax", 8, 1, "sharded"), "jax-2-processes": ("jax", 4, 2, "grid"),
    "jax-1": ("jax", 1, 1, "data"), "torch-2-processes": ("torch", 1, 2, "sharded"),
    "torch-4-processes": ("torch", 1, 4, "sharded"), "torch-1": ("torch", 1, 1, "data"), "numpy": ("numpy", 1, 1, "data"),
    "tensorflow-2-processes": ("tensorflow", 2, 2, "sharded"), "tensorflow-2x2": ("tensorflow", 4, 1, "grid"),
    "tensorflow-1": ("tensorflow", 1, 1, "data"),
}  # fmt: skip


def here(folder, parts, world):
    """What each process of a world finds."""
    backend, devices, processes, kind = WORLDS[world]
    parts = [f"{part}:{kind}:{name}" for part, name in parts]
    return [list(found.values()) for found in run(folder, parts, devices, processes, backend=backend)]


def written(folder, writer):
    first, *others = (found for (found,) in here(folder, [("checkpoint", writer)], writer))
    assert all(found == first for found in others)
    assert first["kept"] == ["1", "2"]
    return first["state"]


def compare(folder, states, reader):
    _, devices, processes, kind = WORLDS[reader]
    parts = devices * processes // (2 if kind == "grid" else 1)
    for found in here(folder, [("restored", writer) for writer in states], reader):
        for one, (writer, state) in zip(found, states.items(), strict=True):
            wanted = {"number": 2, "state": state, "parts": parts, "loaded": True, "weights": True}
            assert one == wanted, (writer, reader)


def test_two_processes_of_torch_write_and_eight_devices_of_jax_read(tmp_path):
    compare(tmp_path, {"torch-2-processes": written(tmp_path, "torch-2-processes")}, "jax-2x4")


@pytest.mark.slow
def test_every_world_reads_what_every_other_wrote(tmp_path):
    states = {writer: written(tmp_path, writer) for writer in WORLDS if writer != "numpy"}
    for reader in WORLDS:
        compare(tmp_path, states, reader)


# -- resume ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "world",
    [
        "torch-2-processes",
        pytest.param("jax-2-processes", marks=pytest.mark.slow),
        pytest.param("tensorflow-2-processes", marks=pytest.mark.slow),
    ],
)
def test_the_same_world_goes_on_bit_for_bit(tmp_path, world):
    backend, devices, processes, _ = WORLDS[world]
    kinds = ["sharded", "own", "uneven"]
    for found in run(tmp_path, [f"resumed:{kind}" for kind in kinds], devices, processes, backend=backend):
        for kind in kinds:
            assert found[f"resumed:{kind}"]["again"] == found[f"resumed:{kind}"]["whole"], kind


@pytest.mark.slow
def test_eight_devices_go_on_bit_for_bit(tmp_path):
    (found,) = run(tmp_path, ["resumed:sharded", "resumed:grid"], 8)
    for one in found.values():
        assert one["again"] == one["whole"]


@pytest.mark.slow
def test_killed_before_the_parts_are_named(tmp_path):
    run_two = lambda *parts: run(tmp_path, list(parts), 1, 2, backend="torch")
    for files in run_two("dies:sharded:r"):
        assert {"parts.5", "parts.6", "training.safetensors"} < set(files)
    for found in run_two("at_one_go:sharded", "ended:sharded:r"):
        assert found["ended:sharded:r"] == found["at_one_go:sharded"]
    assert len(list((tmp_path / "r").glob("parts.*"))) == 2  # of the last state, and of the one before it


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("torch-2-processes", "torch-1"), ("torch-2-processes", "torch-4-processes"), ("torch-1", "torch-2-processes"),
        ("jax-2-processes", "jax-1"), ("jax-8", "jax-2-processes"), ("jax-1", "jax-2-processes"),
        ("torch-2-processes", "torch-2-processes"),
    ],
)  # fmt: skip
def test_another_world_goes_on_at_the_same_place(tmp_path, before, after):
    """Three epochs of seven steps: the losses of one process, whoever begins and whoever ends."""
    part = lambda name, world: f"{name}:sharded:r" if world[-1] != "1" else f"{name}:data:r"
    worlds = [WORLDS[world][:3] for world in (before, after)]
    (_, *alone), (_, *first), (backend, *second) = WORLDS[f"{worlds[0][0]}-1"][:3], *worlds
    (whole, *_) = run(tmp_path, ["at_one_go:data"], *alone, backend=backend)
    for found in run(tmp_path, [part("begun", before)], *first, backend=backend):
        files = found[part("begun", before)]
        assert any(name.startswith("parts") for name in files) == (first[1] > 1)
    for found in run(tmp_path, [part("ended", after)], *second, backend=backend):
        losses = found[part("ended", after)]["losses"]
        assert losses == pytest.approx(whole["at_one_go:data"]["losses"], 1e-5)
