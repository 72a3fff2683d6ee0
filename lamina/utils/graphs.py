"""Looking at graphs."""

from __future__ import annotations

from typing import Any


def get_source_inputs(tensor: Any) -> list[Any]:
    """The Input tensors that a symbolic tensor depends on.

    Args:
        tensor: A symbolic tensor.

    Returns:
        The tensors of `Input`s, each once, in the order in which a walk back meets them.

    Example:
        >>> import lamina
        >>> a, b = lamina.Input((2,)), lamina.Input((2,))
        >>> len(lamina.utils.get_source_inputs(a + b))
        2
    """
    found: dict[int, Any] = {}
    stack, seen = [tensor], set()
    while stack:
        x = stack.pop()
        history = x._keras_history
        if history is None or id(x) in seen:
            continue
        seen.add(id(x))
        node = history.operation._inbound_nodes[history.node_index]
        if node.is_input:
            found.setdefault(id(x), x)
        stack.extend(reversed(node.input_tensors))
    return list(found.values())
