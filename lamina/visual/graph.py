"""Pictures of models: `plot_model` and `model_to_dot`, on Graphviz where it is there."""

from __future__ import annotations

import pathlib
from typing import Any

from lamina.models import Functional
from lamina.visual.labels import Labels
from lamina.visual.layout import operations_of
from lamina.visual.mermaid import mermaid
from lamina.visual.page import html
from lamina.visual.picture import Picture


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Any:
    """The graph of a model as a `graphviz.Digraph`.

    Args:
        model: A built model.
        show_shapes: Whether nodes say the shapes of their outputs.
        show_dtype: Whether they say their dtypes.
        show_layer_names: Whether they say their names.
        rankdir: "TB" from top to bottom, "LR" from left to right.
        expand_nested: Whether nested models are drawn as clusters of their layers.
        dpi: Dots per inch of a picture.
        subgraph: Whether to give a cluster, to be put into another graph.
        show_layer_activations: Whether nodes say their activation.
        show_trainable: Whether they say if they are trained.
        splines: How Graphviz draws edges.

    Returns:
        A `graphviz.Digraph`; its `source` is DOT text.

    Raises:
        ImportError: if the package `graphviz` is missing, with the line that installs it.
        ValueError: if the model is not built.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> "digraph" in lamina.utils.model_to_dot(model, show_shapes=True).source
        True
    """
    _check(model, kwargs)
    try:
        import graphviz
    except ImportError:
        raise ImportError(
            "Pictures of models need the package graphviz: `pip install lamina[plot]`."
        ) from None
    says = Labels(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    dot = graphviz.Digraph(name=f"cluster_{model.name}" if subgraph else model.name)
    if subgraph:
        dot.attr(label=model.name, style="dashed")
    else:
        text = {"fontname": "Helvetica", "fontsize": "11"}
        dot.attr("graph", rankdir=rankdir, dpi=str(dpi), splines=splines, ranksep="0.3", **text)
        dot.attr("node", shape="box", style="rounded,filled", fillcolor="#eef2f7", **text)
    _draw(dot, model, says, expand_nested, "")
    return dot


def _draw(dot: Any, model: Any, says: Labels, nested: bool, prefix: str) -> None:
    rows = operations_of(model)
    inside = {id(o) for o in rows}
    for o in rows:
        if nested and isinstance(o, Functional):
            with dot.subgraph(name=f"cluster_{prefix}{o.name}") as cluster:
                cluster.attr(label=o.name, style="dashed")
                _draw(cluster, o, says, nested, f"{prefix}{o.name}/")
        else:
            dot.node(prefix + o.name, says.of(o))
    if not isinstance(model, Functional):
        return  # a model with its own `call` has layers, but no graph that could be known
    for node in model._nodes:
        for x in node.input_tensors:
            source = x._keras_history.operation
            if id(source) in inside:
                dot.edge(
                    prefix + _end(source, nested, "last"), prefix + _end(node.operation, nested, "first")
                )


def _end(o: Any, nested: bool, side: str) -> str:
    """The node that an edge meets: inside an expanded model its first or last layer."""
    if not (nested and isinstance(o, Functional)):
        return o.name
    rows = operations_of(o)
    return f"{o.name}/{_end(rows[0] if side == 'first' else rows[-1], nested, side)}"


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Picture:
    """Draw the graph of a model into a file.

    Pictures are drawn by Graphviz. Where the package or its program `dot` is missing, the model is written as a page and as
    Mermaid text beside the name that was given, and one line says what to install.

    Args:
        model: A built model.
        to_file: The file; its ending chooses the format: png, svg, pdf and what else Graphviz draws, dot for its text, html
            for a page to look around in, mmd for Mermaid text.
        show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, show_layer_activations,
            show_trainable, splines: As for `model_to_dot`.

    Returns:
        A Picture, which a notebook shows at the size of its cell.

    Raises:
        ValueError: if the model is not built.

    Example:
        >>> import lamina, pathlib, tempfile
        >>> model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(3, name="first")])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     picture = lamina.visual.plot_model(model, pathlib.Path(folder) / "model.mmd", show_layer_names=True)
        >>> "first (Dense)" in picture.source
        True
    """
    path = pathlib.Path(to_file)
    _check(model, kwargs)
    says = Labels(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    if path.suffix in (".html", ".htm"):
        return Picture(path, html(model, path))
    if path.suffix in (".mmd", ".mermaid"):
        path.write_text(text := mermaid(model, says, rankdir, expand_nested))
        return Picture(path, text)
    try:
        # pixels are of no use in a drawing of lines: it would only be larger
        resolution = 72 if path.suffix in (".svg", ".pdf", ".dot", ".gv") else dpi
        dot = model_to_dot(
            model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, resolution, False,
            show_layer_activations, show_trainable, splines,
        )  # fmt: skip
        if path.suffix in (".dot", ".gv"):
            path.write_text(dot.source)
        else:
            path.write_bytes(_drawn(dot, path.suffix.lstrip(".") or "png"))
        return Picture(path, dot.source, resolution)
    except ImportError as missing:
        page = path.with_suffix(".html")
        html(model, page)
        path.with_suffix(".mmd").write_text(text := mermaid(model, says, rankdir, expand_nested))
        print(f"{path.name} was not drawn; {page.name} and {path.stem}.mmd were written. {missing}")
        return Picture(page, text)


def _drawn(dot: Any, form: str) -> bytes:
    import graphviz

    try:
        return dot.pipe(format=form)
    except graphviz.ExecutableNotFound:
        raise ImportError(
            "Pictures need Graphviz's program `dot`: apt install graphviz, or brew install graphviz."
        ) from None


def _check(model: Any, kwargs: Any) -> None:
    if kwargs:
        raise TypeError(f"Unknown arguments: {', '.join(kwargs)}.")
    if not model.built:
        raise ValueError(f"Model {model.name!r} is not built yet: call it on data, or `build(input_shape)`.")
