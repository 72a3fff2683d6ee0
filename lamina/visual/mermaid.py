"""A model as Mermaid text, which GitHub, GitLab and many editors draw."""

from __future__ import annotations

from typing import Any

from lamina.visual.labels import Labels
from lamina.visual.layout import edges_of, has_inside, operations_of


def mermaid(
    model: Any, labels: Labels | None = None, rankdir: str = "TB", expand_nested: bool = False
) -> str:
    """The graph of a model as a Mermaid flowchart.

    Args:
        model: A built model.
        labels: What boxes say; names, when None.
        rankdir: "TB" from top to bottom, "LR" from left to right, or the reverse of one.
        expand_nested: Whether nested models are drawn as frames around their layers.

    Returns:
        The text.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(3, name="first")])
        >>> lamina.visual.mermaid(model).splitlines()[0]
        'flowchart TB'
    """
    labels = labels or Labels(False, False, True, False, False)
    lines = [f"flowchart {rankdir}"]
    _draw(model, labels, expand_nested, "n", "  ", lines)
    return "\n".join(lines) + "\n"


def _draw(model: Any, labels: Labels, nested: bool, prefix: str, indent: str, lines: list[str]) -> None:
    operations = operations_of(model)
    names = {id(o): f"{prefix}{i}" for i, o in enumerate(operations)}  # some names would be keywords
    for o in operations:
        text = labels.of(o).replace('"', "#quot;").replace("\n", "<br>")
        if nested and has_inside(o):
            lines.append(f'{indent}subgraph {names[id(o)]}["{text}"]')
            _draw(o, labels, nested, names[id(o)] + "_", indent + "  ", lines)
            lines.append(f"{indent}end")
        else:
            lines.append(f'{indent}{names[id(o)]}["{text}"]')
    lines += [f"{indent}{names[id(a)]} --> {names[id(b)]}" for a, b in edges_of(model)]
