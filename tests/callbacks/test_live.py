"""The live page: what is recorded, and to whom it is served. The clock is a counter, so that nothing depends on speed."""

from __future__ import annotations

import http.client
import json
import re
from typing import Any

import numpy as np
import pytest

import lamina
from lamina import cli, layers
from lamina.callbacks.live import records
from lamina.callbacks.live.server import LiveServer, serve
from lamina.commands import watch

X, Y = np.linspace(-1, 1, 160, dtype="float32").reshape(40, 4), np.ones((40, 1), "float32")


class Ticks:
    """A second later whenever it is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def model(**options: Any) -> Any:
    made = lamina.Sequential(
        [lamina.Input((4,)), layers.Dense(3, name="a"), layers.Dense(1, name="b")], name="net"
    )
    made.compile(lamina.optimizers.SGD(0.0625), "mse", **options)
    return made


def recorded(path: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def backend():
    with lamina.backend("torch"):
        yield


@pytest.mark.usefixtures("backend")
def test_what_is_recorded(tmp_path):
    live = lamina.callbacks.Live(tmp_path, serve=False, clock=Ticks())
    trained = model(metrics=["mae"])
    trained.fit(X, Y, batch_size=4, epochs=2, validation_split=0.2, callbacks=[live], verbose=0)
    found = recorded(live.path)
    assert found[0]["kind"] == "begin"
    assert (found[0]["model"], found[0]["epochs"], found[0]["steps"]) == ("net", 2, 8)
    assert [r["kind"] for r in found if r["kind"] != "batch"] == ["begin", "epoch", "epoch", "end"]
    assert [r["step"] for r in found if r["kind"] == "epoch"] == [8, 16]
    assert set(found[-2]["logs"]) == {"loss", "mae", "val_loss", "val_mae"}
    batches = [r for r in found if r["kind"] == "batch"]
    assert batches[0]["speed"] is None
    assert batches[1]["speed"] > 0
    for record in batches:
        assert record["rates"] == {"learning_rate": 0.0625}
        assert record["memory"] > 1 << 20
        assert set(record["norms"]) == {"net/a/kernel", "net/a/bias", "net/b/kernel", "net/b/bias"}
        assert record["norm"] == pytest.approx(np.sqrt(sum(v**2 for v in record["norms"].values())), rel=1e-4)
    seconds = [r["seconds"] for r in found]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize(
    "name", ["torch", *[pytest.param(name, marks=pytest.mark.slow) for name in ("jax", "tensorflow")]]
)
def test_norms_are_those_of_the_gradients(name, tmp_path):
    with lamina.backend(name):
        trained = model()
        trained.fit(X, Y, batch_size=4, verbose=0)  # its program keeps no norms
        expected = [
            float(np.linalg.norm(lamina.ops.convert_to_numpy(g)))
            for g in lamina.value_and_grad(
                lambda: lamina.losses.MeanSquaredError()(Y[:4], trained(X[:4])), trained.trainable_variables
            )()[1]
        ]
        live = lamina.callbacks.Live(tmp_path, serve=False)
        trained.fit(X[:4], Y[:4], batch_size=4, callbacks=[live], verbose=0)
    end = recorded(live.path)[-1]
    np.testing.assert_allclose(list(end["norms"].values()), expected, rtol=1e-4)
    assert min(expected) > 0


@pytest.mark.usefixtures("backend")
def test_it_changes_nothing_of_the_training(tmp_path):
    kept = []
    for callbacks in ([lamina.callbacks.Live(tmp_path, serve=False, clock=Ticks())], []):
        lamina.utils.set_random_seed(3)
        trained = model()
        history = trained.fit(X, Y, batch_size=4, epochs=3, callbacks=callbacks, verbose=0)
        kept.append(
            (history.history, [v.numpy().tolist() for v in (*trained.weights, *trained.optimizer.variables)])
        )
    assert np.isfinite(kept[0][0]["loss"]).all()
    assert kept[0] == kept[1]


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("first", [True, False])
def test_a_run_is_resumed_with_or_without_it(first, tmp_path):
    live = lambda wanted: [lamina.callbacks.Live(tmp_path / "runs", serve=False)] if wanted else []
    options = {"batch_size": 4, "verbose": 0, "resume": tmp_path / "state"}
    model().fit(X, Y, epochs=1, callbacks=live(first), **options)
    history = model().fit(X, Y, epochs=3, callbacks=live(not first), **options)
    assert history.epoch == [0, 1, 2]


@pytest.mark.usefixtures("backend")
def test_a_step_of_ones_own_has_no_norms(tmp_path):
    class Own(lamina.Sequential):
        def train_step(self, data: Any) -> Any:
            return {"loss": lamina.ops.sum(self(data[0]))}

    trained = Own([lamina.Input((4,)), layers.Dense(1)], name="own")
    trained.compile("sgd")
    live = lamina.callbacks.Live(tmp_path, serve=False, norms=False)
    trained.fit(X, Y, callbacks=[live], verbose=0)
    end = recorded(live.path)[-1]
    assert "norm" not in end
    assert "norms" not in end


def test_how_many_batches_it_lets_pass(tmp_path):
    """As many as take the interval; each time eight times as many at most, and never a single one."""
    now = [0.0]
    live = lamina.callbacks.Live(tmp_path, serve=False, interval=1.0, norms=False, clock=lambda: now[0])
    trained = model()
    live.set_model(trained)
    live.on_train_begin()
    live.on_epoch_begin(0)
    assert live.batches_until_call() == 2
    strides = []
    for batch, seconds in ((1, 0.01), (17, 0.09), (99, 0.4), (199, 1.0), (399, 2.0), (400, 9.0)):
        now[0] = seconds
        live.on_train_batch_end(batch, {"loss": 1.0})
        strides.append(live.batches_until_call())
    assert strides == [16, 128, 250, 200, 200, 2]
    assert [r["batch"] for r in recorded(live.path) if r["kind"] == "batch"] == [200, 400, 401]


def test_lines_are_json_whatever_the_numbers(tmp_path):
    text = records.line(
        {"a": float("nan"), "b": [np.float32(1.5), np.inf], "c": np.arange(2), "d": "</script>\n"}
    )
    assert json.loads(text) == {"a": "nan", "b": [1.5, "inf"], "c": [0, 1], "d": "</script>\n"}
    assert text.count("\n") == 1
    path = tmp_path / "x"
    path.write_text("first\nsecond\nhal")
    assert records.read(path) == b"first\nsecond\n"
    assert records.read(path, 6) == b"second\n"
    assert records.read(path, 13) == b""


def test_names_of_runs(tmp_path):
    (tmp_path / "other.txt").touch()
    assert records.begin(tmp_path, "net").name == "0001-net.live.jsonl"
    assert records.begin(tmp_path, "../../etc/passwd").name == "0002-etc_passwd.live.jsonl"
    assert records.begin(tmp_path / "new", "..").name == "0001-model.live.jsonl"
    assert records.runs(tmp_path) == ["0001-net.live.jsonl", "0002-etc_passwd.live.jsonl"]


# -- the server ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path):
    (tmp_path / "0001-net.live.jsonl").write_text('{"kind":"begin"}\n{"kind":"end"}\n')
    (tmp_path / "secret.txt").write_text("no")
    made = LiveServer(tmp_path)
    yield made
    made.close()


def ask(server: LiveServer, path: str, host: str | None = None, method: str = "GET") -> tuple[int, Any, str]:
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        link.request(method, path, headers={"Host": host or f"127.0.0.1:{server.port}"})
        reply = link.getresponse()
        return reply.status, reply.headers, reply.read().decode()
    finally:
        link.close()


def test_the_page_its_runs_and_their_records(server):
    status, headers, page = ask(server, f"/{server.token}/")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Access-Control-Allow-Origin"] is None
    assert server.token not in page  # which may be saved and passed on
    assert (
        re.findall(
            r"""(?:src|href)=["']?(?!["']?data:)[^\s>]+|innerHTML|https?://(?!www\.w3\.org/2000/svg)""", page
        )
        == []
    )
    assert json.loads(ask(server, f"/{server.token}/runs")[2]) == ["0001-net.live.jsonl"]
    run = f"/{server.token}/run/0001-net.live.jsonl"
    assert ask(server, run)[2] == '{"kind":"begin"}\n{"kind":"end"}\n'
    assert ask(server, f"{run}?from=17")[2] == '{"kind":"end"}\n'
    assert ask(server, f"{run}?from=-1")[2].startswith('{"kind":"begin"}')
    assert ask(server, run, host=f"localhost:{server.port}")[0] == 200


def test_without_the_secret_nothing_is_served(server):
    for path in (
        "/",
        "/runs",
        "//runs",
        f"/{server.token}",
        f"/{server.token[:-1]}/runs",
        f"/{server.token}x/",
        "/%C3%A9/",
    ):
        status, _, text = ask(server, path)
        assert (status, text) == (403, "Forbidden\n")


def test_other_hosts_are_refused(server):
    for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1", "localhost:1", ""):
        link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        link.putrequest("GET", f"/{server.token}/runs", skip_host=True)
        link.putheader("Host", host)
        link.endheaders()
        assert link.getresponse().status == 403
        link.close()


def test_only_records_are_served(server):
    for name in (
        "secret.txt",
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "",
        "0001-net.live.jsonl/x",
    ):
        assert ask(server, f"/{server.token}/run/{name}")[0] == 404
    assert ask(server, f"/{server.token}/secret.txt")[0] == 404
    assert ask(server, f"/{server.token}/runs", method="POST")[0] == 501


def test_it_listens_on_the_loopback_interface(server):
    assert server._http.server_address[0] == "127.0.0.1"
    assert server.address.startswith(f"http://127.0.0.1:{server.port}/")


@pytest.mark.usefixtures("backend")
def test_fit_prints_the_address(tmp_path, capsys):
    trained = model()
    trained.fit(X, Y, live=tmp_path, verbose=0)
    address = serve(tmp_path)  # one server for a folder, in a process
    assert f"Training can be watched at {address}" in capsys.readouterr().out
    assert records.runs(tmp_path) == ["0001-net.live.jsonl"]


def test_the_command(tmp_path, capsys, monkeypatch):
    (tmp_path / "0001-net.live.jsonl").touch()

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watch, "wait", interrupted)
    assert cli.main(["watch", str(tmp_path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["runs"] == ["0001-net.live.jsonl"]
    assert said["address"].startswith("http://127.0.0.1:")
    assert cli.main(["watch", str(tmp_path / "none")]) == 2
    assert "there is no folder" in capsys.readouterr().err
