"""The table of a model: it fits its width, breaks names where readers would, and says what layers cost."""

from __future__ import annotations

from typing import Any

import pytest

import lamina
from lamina import layers
from lamina.visual import columns


@pytest.fixture(scope="module")
def model() -> Any:
    x = lamina.Input((8,), name="x")
    a, b = layers.Dense(4, name="a")(x), layers.Dense(4, name="b")(x)
    inner = lamina.Sequential(
        [
            lamina.Input((8,), name="in"),
            layers.Dense(3, name="within"),
            layers.BatchNormalization(name="n" * 40),
        ],
        name="inner",
    )
    y = inner(layers.Concatenate(name="concatenate_everything_at_once")([a, b]))
    return lamina.Model(x, {"first": y * 2, "sum": layers.Add(name="sum")([a, b, a, b, a, a])}, name="net")


def text_of(model: Any, **kwargs: Any) -> str:
    said: list[str] = []
    model.summary(print_fn=said.append, **kwargs)
    return said[0]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    "more", [{}, {"flops": True, "memory": True}, {"show_dtype": True, "show_trainable": True}]
)
def test_fits_the_width(model: Any, width: int, more: Any) -> None:
    text = text_of(model, line_length=width, expand_nested=True, **more)
    table = [line for line in text.splitlines() if line[:1] in "┏┃┡│└" and line]
    assert len(table) > 10
    assert max(map(len, table)) <= width
    assert "…" not in text


def test_says_what_it_is(model: Any) -> None:
    text = text_of(model, expand_nested=True, show_trainable=True)
    assert 'Model: "net"' in text
    assert "│   within (Dense)" in text
    assert "a[0][0], b[0][0]," in text
    assert "3 more" in text
    assert (
        " Total params: 111 (444.00 B)\n Trainable params: 105 (420.00 B)\n Non-trainable params: 6 (24.00 B)"
        in text
    )
    assert "within" not in text_of(model)


def test_optimizer_is_part_of_the_total() -> None:
    """As in Keras."""
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.optimizer.build(model.trainable_variables)
    text = text_of(model)
    assert "Total params: 7 (" in text
    assert "Optimizer params: 2 (" in text


def test_costs(model: Any) -> None:
    text = text_of(model, flops=True, memory=True, batch_size=4, line_length=120)
    assert "Multiply-adds: 352 forward, 448 backward (for 4 rows)" in text
    row = next(line for line in text.splitlines() if "inner (Seq" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")][:7] == [
        "inner (Sequential)", "(None, 3)", "39", "96", "192", "156 B", "48 B",
    ]  # fmt: skip


def test_model_without_a_graph() -> None:
    class Own(lamina.Model):
        def __init__(self) -> None:
            super().__init__(name="own")
            self.dense = layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    model = Own()
    model.build((None, 4))
    assert "Multiply-adds: 60 forward, 60 backward (for 5 rows)" in text_of(model, flops=True, batch_size=5)


def test_breaks() -> None:
    assert columns.wrapped("concatenate_everything_at_once (Concatenate)", 22) == (
        "concatenate_\neverything_at_once\n(Concatenate)"
    )
    assert columns.wrapped("  inner_layer (Dense)", 15) == "  inner_layer\n  (Dense)"
    assert columns.wrapped("n" * 25, 10) == "\n".join(["n" * 10, "n" * 10, "n" * 5])
    with pytest.raises(ValueError, match="`positions` needs 1 numbers, one per column"):
        columns.table([("a", True, ["1"])], 40, [0.5, 1.0])
