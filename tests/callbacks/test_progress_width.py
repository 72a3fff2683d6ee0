"""The live bar keeps bar, counter and time left at 80 columns, and shortens the metrics."""

import io

from rich.console import Console

from lamina.callbacks import progress

LOGS = {f"a_metric_with_a_name_{i}": 0.123456 * 10**i for i in range(5)}


def test_logs_are_shortened():
    assert progress.fitting_logs({"loss": 0.5}, 40) == "loss: 0.5000"
    assert progress.fitting_logs({"loss": 0.123456, "mae": 2.0}, 20) == "loss: 0.123 - mae: 2"
    assert len(progress.fitting_logs(LOGS, 30)) == 30


def test_the_bar_keeps_its_parts(monkeypatch):
    monkeypatch.setattr(progress, "_in_terminal", lambda: True)
    shown = progress.Progress(100, 1, "Epoch 1/5")
    bar = shown._bar._bar
    bar.stop()
    monkeypatch.setattr(bar.live, "console", Console(width=80, file=io.StringIO(), force_terminal=True))
    shown.update(37, LOGS)
    with Console(width=80, file=io.StringIO()) as console, console.capture() as text:
        console.print(bar.get_renderable())
    lines = text.get().splitlines()
    assert len(lines) == 1
    assert "37/100" in lines[0]
    assert "-:--" in lines[0]
    assert "━" in lines[0]
    assert "a_metric" in lines[0]
