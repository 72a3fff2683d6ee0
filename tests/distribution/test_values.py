"""Meshes, layouts and distributions as values, against those of Keras; no more than one device is needed."""

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import lamina
from lamina import backends
from lamina.errors import BackendError

D = lamina.distribution
NAMES = [f"cpu:{i}" for i in range(8)]
L = lamina.layers

# What both libraries are asked, D being the namespace: a value, or the kind of error.
ASKED = """
mesh = D.DeviceMesh((2, 4), ["b", "m"], NAMES)
flat = D.DeviceMesh((8,), ["b"], NAMES)
layouts = D.LayoutMap(mesh)
layouts["dense.*kernel"] = (None, "m")
layouts[".*kernel"] = D.TensorLayout(["m", None])
late = D.TensorLayout(["z"])
parallel = D.ModelParallel(layout_map=layouts, batch_dim_name="b")
data = D.DataParallel(device_mesh=flat)
CASES = [
    lambda: (mesh.shape, list(mesh.axis_names), mesh.devices.tolist(), repr(mesh)),
    lambda: D.DeviceMesh(None, ["b"]), lambda: D.DeviceMesh((2,), []), lambda: D.DeviceMesh((2, 4), ["b"], NAMES),
    lambda: D.DeviceMesh((2, 3), ["b", "m"], NAMES),
    lambda: (D.TensorLayout(["b", None], mesh).axes, repr(D.TensorLayout(["b", None], mesh))),
    lambda: D.TensorLayout(["z"], mesh), lambda: setattr(late, "device_mesh", mesh), lambda: late.backend_layout,
    lambda: setattr(D.TensorLayout(["b"], mesh), "device_mesh", mesh),
    lambda: layouts["dense.*kernel"].axes, lambda: layouts["dense_1/kernel"], lambda: layouts["a/kernel"].axes,
    lambda: layouts["nothing"], lambda: layouts["a/kernel/b"], lambda: (len(layouts), list(layouts), list(layouts.keys())),
    lambda: layouts.__setitem__(".*kernel", (None,)), lambda: layouts.__setitem__("x", 3), lambda: layouts.__delitem__("x"),
    lambda: layouts[".*kernel"].device_mesh is mesh, lambda: layouts.get("nothing", 1),
    lambda: (data.batch_dim_name, data.auto_shard_dataset, data.num_model_replicas, data.num_processes, data.data_shard_id),
    lambda: data.get_data_layout((8, 3)).axes, lambda: data.get_tensor_layout("a/output"), lambda: repr(data),
    lambda: D.DataParallel(devices=NAMES[:2]).device_mesh.shape, lambda: D.DataParallel("cpu:0"),
    lambda: (parallel.batch_dim_name, parallel.num_model_replicas, parallel.get_data_layout((8, 3, 1)).axes),
    lambda: D.ModelParallel(), lambda: D.ModelParallel(batch_dim_name="b"), lambda: D.ModelParallel(layout_map={}),
    lambda: D.ModelParallel(layouts), lambda: parallel.get_tensor_layout("a/kernel").axes,
    lambda: D.ModelParallel(layout_map=layouts).batch_dim_name,
    lambda: D.distribution(), lambda: (D.set_distribution(data), D.distribution() is data)[1],
    lambda: (D.set_distribution(None), D.distribution())[1],
]
def answer(case):
    try:
        return case()
    except Exception as error:
        return type(error).__name__
found = [answer(case) for case in CASES]
"""


def test_values_are_those_of_keras():
    pytest.importorskip("keras")
    code = f"import keras, json\nD = keras.distribution\nNAMES = {NAMES}\n{ASKED}\nprint('FOUND' + json.dumps(found))"
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(done.stdout.split("FOUND")[1])
    names = {"D": D, "NAMES": NAMES}
    exec(ASKED, names)
    ours = json.loads(json.dumps(names["found"]))
    assert ours == theirs


def test_values_are_made_without_a_framework():
    code = (
        "import sys, lamina; D = lamina.distribution\n"
        "mesh = D.DeviceMesh((64, 16), ['batch', 'model'], [f'tpu:{i}' for i in range(1024)])\n"
        "layouts = D.LayoutMap(mesh); layouts['head/kernel'] = (None, 'model')\n"
        "i = lamina.Input((32,)); m = lamina.Model(i, lamina.layers.Dense(64, name='head')(i)); m.compile('adam', 'mse')\n"
        "p = m.plan(D.ModelParallel(layout_map=layouts), batch=128)\n"
        "assert p.weights == (32 * 4 + 64) * 4 and p.rows == 2, (p, p.rows)\n"
        "assert not {'jax', 'torch', 'tensorflow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=os.getcwd())


@pytest.mark.parametrize("name", [n for n in backends.installed() if n != "jax"])
def test_other_backends_refuse_in_words(name):
    mesh = D.DeviceMesh((1,), ["batch"], ["cpu:0"])
    layout = D.TensorLayout(["batch"], mesh)
    with lamina.backend(name):
        from lamina.kernel.context import current

        if current().spread.offered():
            pytest.skip(f"{name} spreads tensors")
        for do in (
            lambda: D.distribute_tensor(np.ones(2), layout), lambda: lamina.Variable(np.ones(2), layout=layout).value,
            lambda: layout.backend_layout, lambda: mesh.backend_mesh, lambda: D.initialize("a:1", 2, 0),
        ):  # fmt: skip
            with pytest.raises(BackendError, match="keeps each tensor on one device"):
                do()


def test_a_scope_is_the_threads_own():
    mesh = D.DeviceMesh((1,), ["batch"], ["cpu:0"])
    one, two = D.DataParallel(device_mesh=mesh), D.DataParallel(device_mesh=mesh)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(D.distribution()))
    D.set_distribution(one)
    try:
        with two.scope():
            assert D.distribution() is two
            thread.start()
            thread.join()
        assert D.distribution() is one
        assert seen == [one]
        with pytest.raises(TypeError, match="expected a distribution"):
            D.set_distribution(3)
    finally:
        D.set_distribution(None)


def test_further_errors():
    mesh = D.DeviceMesh((2, 4), ["batch", "model"], NAMES)
    with pytest.raises(ValueError, match="stands there twice"):
        D.TensorLayout(["model", "model"], mesh)
    with pytest.raises(ValueError, match="names of the axes must differ"):
        D.DeviceMesh((2, 4), ["a", "a"], NAMES)
    with pytest.raises(ValueError, match="is no axis of the mesh"):
        D.ModelParallel(layout_map=D.LayoutMap(mesh), batch_dim_name="rows")
    with pytest.raises(TypeError, match="unknown arguments: rows"):
        D.ModelParallel(layout_map=D.LayoutMap(mesh), rows=1)
    with pytest.raises(ValueError, match="needs a mesh"):
        D.ModelParallel(layout_map=D.LayoutMap(None))
    with pytest.warns(UserWarning, match="the mesh has 2 axes"):
        D.DataParallel(device_mesh=mesh)
    with pytest.raises(ValueError, match="'auto' or a LayoutMap"):
        D.FullyShardedDataParallel(mesh, layout="rows")
    with pytest.raises(NotImplementedError, match="give the data set to `fit`"):
        D.DataParallel(devices=NAMES).distribute_dataset([])
    with pytest.raises(RuntimeError, match="no device of kind 'tpu'"), lamina.backend("numpy"):
        D.list_devices("tpu")


def test_the_largest_axis_that_divides_is_divided():
    sharded = D.FullyShardedDataParallel(devices=NAMES, min_size=16)
    axes = lambda *shape: sharded.get_variable_layout(lamina.Variable("zeros", shape)).axes
    assert axes(16, 24) == (None, "batch")
    assert axes(32, 16) == ("batch", None)
    assert axes(8, 8) == (None, "batch")
    assert axes(100, 24, 3) == (None, "batch", None)
    assert axes(7, 9) == (None, None)
    assert axes(8) == (None,)
    named = D.LayoutMap(sharded.device_mesh)
    named["w"] = ("batch",)
    named = D.FullyShardedDataParallel(devices=NAMES, layout=named)
    assert named.get_variable_layout(lamina.Variable("zeros", (8, 16), name="w")).axes == ("batch",)


def test_a_batch_is_divided_over_as_many_as_it_can():
    from lamina.training.feed.spread import dividing

    mesh = D.DeviceMesh((2, 4), ["a", "b"], NAMES)
    for axes, rows, parts in (
        (["a"], 6, 2),
        (["b"], 6, 2),
        (["b"], 7, 1),
        ([("a", "b")], 12, 4),
        ([("a", "b")], 6, 2),
    ):
        found = dividing(mesh.placement(axes), (rows, 3))
        assert found.parts == (parts,)
        assert found.undivided((rows, 3)) is None
        assert np.prod(found.sizes) == 8
        assert found.devices == tuple(NAMES)


def test_plans():
    i = lamina.Input((64,))
    x = L.Dense(128, activation="relu")(i)
    model = lamina.Model(i, L.Dense(64)(x))
    sharded = D.FullyShardedDataParallel(devices=NAMES, min_size=1, reshard_after_forward=False)
    plan = model.plan(sharded, batch=64)
    weights = sum(v.numpy().nbytes for v in model.weights)
    assert plan.sent == 2 * 7 / 8 * weights + 2 * 7 / 8 * 4  # and the loss
    assert plan.weights == weights / 8
    again = model.plan(D.FullyShardedDataParallel(devices=NAMES, min_size=1), batch=64)
    second = model.layers[-1].kernel.numpy().nbytes  # the first one's input has no gradient
    assert again.sent == plan.sent + 7 / 8 * second
    assert plan.gathered == weights > again.gathered
    assert plan.optimizer == 0
    assert plan.rows == 8
    assert model.plan(D.DataParallel(devices=NAMES), batch=100).rows == 25  # over four of them
    assert 0 < plan.efficiency(1e12, 1e9) < plan.efficiency(1e12, 1e10) < 1
    assert plan.efficiency(1e12, 1e9, hidden=1.0) == 1
    with pytest.raises(ValueError, match="number of rows"):
        model.plan(sharded, batch=0)
