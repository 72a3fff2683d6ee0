"""Makes the pictures of the documentation anew, from programs that run: what a terminal and a browser show.

    python docs/images/make.py [summary] [progress] [error] [picture] [page] [live]

Terminals of 80 and 120 columns become SVG, by rich. Pages are photographed by headless Chromium at 1200 pixels and at
the 390 of a phone. Needs: pip install "lamina[demo,plot]" pillow; apt install chromium graphviz fonts-dejavu-core.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

HERE = Path(__file__).parent
COLUMNS = (80, 120)
WIDTHS = {1200: 720, 390: 844}  # of pages, with their heights

MODEL = """
import numpy as np, lamina
from lamina import layers
lamina.utils.set_random_seed(0)

def convnet():
    return lamina.Sequential([
        lamina.Input((8, 8, 1)),
        layers.Conv2D(32, 3, activation="relu", name="conv"),
        layers.MaxPooling2D(name="pool"),
        layers.Flatten(name="flat"),
        layers.Dense(64, activation="relu", name="hidden"),
        layers.Dense(10, activation="softmax", name="digits"),
    ], name="digits_net")

def two_branches():
    image = lamina.Input((16, 16, 3), name="image")
    facts = lamina.Input((4,), name="facts")
    block = lamina.Sequential([lamina.Input((14, 14, 8)), layers.Conv2D(8, 3, padding="same", name="conv"),
                               layers.BatchNormalization(name="norm"), layers.ReLU(name="relu")], name="block")
    x = layers.Conv2D(8, 3, name="stem")(image)
    x = layers.Add(name="residual")([x, block(x)])
    x = layers.GlobalAveragePooling2D(name="average")(x)
    x = layers.Concatenate(name="both")([x, layers.Dense(8, activation="relu", name="embed")(facts)])
    return lamina.Model([image, facts], layers.Dense(3, activation="softmax", name="label")(x), name="two_branches")
"""
TERMINAL = {
    "summary": ("model.summary(flops=True)", MODEL + "convnet().summary(flops=True)"),
    "progress": (
        "model.fit(...)",
        MODEL
        + """
import time
class Slow(lamina.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.02)
model = convnet()
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy", "sparse_top_k_categorical_accuracy"])
x = np.random.rand(1920, 8, 8, 1); y = (x.mean((1, 2, 3)) * 400 % 10).astype(int)
model.fit(x, y, epochs=3, validation_split=0.2, callbacks=[Slow()])
""",
    ),
    "error": (
        "an error",
        MODEL
        + """
model = convnet()
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(np.ones((32, 8, 8, 3)), np.zeros(32))
""",
    ),
}


def in_terminal(script: Path, columns: int) -> str:
    """What a script writes to a terminal of so many columns."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        environment = {
            **os.environ,
            "TERM": "xterm-256color",
            "COLUMNS": str(columns),
            "PYTHONWARNINGS": "ignore",
        }
        os.chdir(script.parent)
        os.execve(sys.executable, [sys.executable, script.name], environment)
    written = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        written += part
    os.waitpid(pid, 0)
    os.close(terminal)
    return written.decode(errors="replace").replace("\r\n", "\n")


def last_bar(text: str) -> str:
    """What stands there while the last bar is drawn: the lines above it, and the bar past its middle."""
    done: list[str] = []
    bars: list[list[str]] = []
    for piece in re.split(r"(\n|\r|\x1b\[2K)", text):
        if "━" in piece:
            bars.append([*done, piece])
        elif re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", piece).strip():
            done.append(piece)
    last = [lines for lines in bars if len(lines) == len(bars[-1])]
    return "\n".join(last[2 * len(last) // 3])


def terminal_svg(text: str, title: str, columns: int) -> str:
    """The text as rich draws terminals, without fonts from the network."""
    from rich.console import Console
    from rich.text import Text

    console = Console(
        record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text.from_ansi(text.strip("\n")), soft_wrap=False)
    svg = console.export_svg(title=title, unique_id=f"t{columns}")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r"font-family: ?Fira Code, ?monospace",
        "font-family: 'DejaVu Sans Mono', ui-monospace, monospace",
        svg,
    )
    return re.sub(r"\n\s*\n+", "\n", svg)


def terminal(name: str) -> None:
    """What a script shows at both widths."""
    title, code = TERMINAL[name]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, f"{name}.py")
        script.write_text(code)
        for columns in COLUMNS:
            text = in_terminal(script, columns).replace(f"{folder}/", "")
            text = last_bar(text) if name == "progress" else text
            (HERE / f"{name}-{columns}.svg").write_text(terminal_svg(text, title, columns))


def models() -> dict:
    names: dict = {}
    exec(MODEL, names)
    return names


def picture() -> None:
    """What `plot_model` draws."""
    import lamina

    path = HERE / "picture.svg"
    lamina.utils.plot_model(
        models()["two_branches"](), path, show_shapes=True, show_layer_names=True, expand_nested=True
    )


def page() -> None:
    """The page of a model."""
    import lamina

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.html")
        lamina.visual.html(models()["two_branches"](), path, batch_size=32)
        photographed("page", path.as_uri(), folder)


def live() -> None:
    """The page of a training that runs."""
    from lamina.callbacks.live.server import LiveServer

    with tempfile.TemporaryDirectory() as folder:
        record(folder)
        server = LiveServer(folder)
        photographed("live", server.address, folder)
        server.close()


def record(folder: str) -> None:
    """The records of a training, cut before its end, so that it goes on on the picture."""
    from sklearn.datasets import load_digits

    import lamina

    digits = load_digits()
    model = models()["convnet"]()
    decay = lamina.optimizers.schedules.CosineDecay(2e-3, 45 * 12)
    model.compile(lamina.optimizers.Adam(decay), "sparse_categorical_crossentropy", metrics=["accuracy"])
    live = lamina.callbacks.Live(folder, serve=False, interval=0.05)
    model.fit(
        digits.images[..., None] / 16,
        digits.target,
        epochs=12,
        validation_split=0.2,
        callbacks=[live],
        verbose=0,
    )
    lines = live.path.read_text().splitlines(keepends=True)
    live.path.write_text("".join(lines[: int(len(lines) * 0.8)]))


def photographed(name: str, address: str, folder: str) -> None:
    """A page at each width, in 64 colors."""
    from PIL import Image

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    for width, height in WIDTHS.items():
        shot = Path(folder, "shot.png")
        subprocess.run(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},{height}",
             "--virtual-time-budget=6000", f"--user-data-dir={folder}/browser", f"--screenshot={shot}", address],
            check=True, capture_output=True, timeout=300,
        )  # fmt: skip
        Image.open(shot).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(
            HERE / f"{name}-{width}.png", optimize=True
        )


if __name__ == "__main__":
    for part in sys.argv[1:] or [*TERMINAL, "picture", "page", "live"]:
        {"picture": picture, "page": page, "live": live}.get(part, lambda name=part: terminal(name))()
