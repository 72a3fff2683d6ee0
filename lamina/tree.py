"""Trees: nested lists, tuples and dicts (on optree). Dicts are walked by sorted keys; None is a leaf."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import optree

from lamina.kernel.trees import NAMESPACE

__all__ = [
    "MAP_TO_NONE", "assert_same_paths", "assert_same_structure", "flatten", "flatten_with_path", "is_nested",
    "lists_to_tuples", "map_shape_structure", "map_structure", "map_structure_up_to", "pack_sequence_as", "traverse",
]  # fmt: skip


class MAP_TO_NONE:
    """What a function given to `traverse` returns to put None in a place (None itself means: go on)."""


def is_nested(structure: Any) -> bool:
    """Whether something is a node of a tree (a list, tuple, dict ...), not a leaf.

    Args:
        structure: Anything.

    Returns:
        True or False.

    Example:
        >>> import lamina
        >>> lamina.tree.is_nested([]), lamina.tree.is_nested(3)
        (True, False)
    """
    return not optree.tree_is_leaf(structure, none_is_leaf=True, namespace=NAMESPACE)


def flatten(structure: Any) -> list[Any]:
    """The leaves of a tree.

    Args:
        structure: A tree.

    Returns:
        Its leaves, dicts by sorted keys.

    Example:
        >>> import lamina
        >>> lamina.tree.flatten({"b": [1, 2], "a": 3})
        [3, 1, 2]
    """
    return optree.tree_leaves(structure, none_is_leaf=True, namespace=NAMESPACE)


def flatten_with_path(structure: Any) -> list[tuple[tuple, Any]]:
    """The leaves of a tree with the keys and indices that lead to them.

    Args:
        structure: A tree.

    Returns:
        (path, leaf) pairs.

    Example:
        >>> import lamina
        >>> lamina.tree.flatten_with_path({"a": [5]})
        [(('a', 0), 5)]
    """
    paths, leaves, _ = optree.tree_flatten_with_path(structure, none_is_leaf=True, namespace=NAMESPACE)
    return list(zip(paths, leaves, strict=True))


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """`func` on the leaves of trees of one structure.

    Args:
        func: Takes one leaf of each tree.
        *structures: The trees.
        none_is_leaf: Whether None is a leaf; otherwise it stays None.

    Returns:
        A tree of the first one's structure.

    Raises:
        TypeError: if `func` is not callable.
        ValueError: if the structures differ, or there is none.

    Example:
        >>> import lamina
        >>> lamina.tree.map_structure(lambda a, b: a + b, [1, 2], [3, 4])
        [4, 6]
    """
    if not callable(func):
        raise TypeError(f"`func` must be callable, got {func!r}.")
    if not structures:
        raise ValueError("map_structure needs at least one structure.")
    for other in structures[1:]:
        assert_same_structure(structures[0], other)
    return optree.tree_map(func, *structures, none_is_leaf=none_is_leaf, namespace=NAMESPACE)


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """`func` on what stands in trees where the shallow one has its leaves.

    Args:
        shallow_structure: Says how deep to go.
        func: Takes one subtree of each tree.
        *structures: Trees that begin like the shallow one.

    Returns:
        A tree of the shallow structure.

    Raises:
        ValueError: if a tree does not begin like it.

    Example:
        >>> import lamina
        >>> lamina.tree.map_structure_up_to([0, 0], len, [[1, 2], [3]])
        [2, 1]
    """
    if not structures:
        raise ValueError("map_structure_up_to needs at least one structure.")
    return optree.tree_map(
        lambda _, *parts: func(*parts), shallow_structure, *structures, none_is_leaf=True, namespace=NAMESPACE
    )


def map_shape_structure(func: Callable[[tuple], Any], structure: Any) -> Any:
    """`func` on the shapes in a structure of shapes.

    Args:
        func: Takes a shape.
        structure: A tree whose leaves are shapes: tuples or lists of integers and None.

    Returns:
        The tree of results.

    Raises:
        TypeError: if `func` is not callable.

    Example:
        >>> import lamina
        >>> lamina.tree.map_shape_structure(len, [(1, 2), {"a": (None, 3, 4)}])
        [2, {'a': 3}]
    """
    if not callable(func):
        raise TypeError(f"`func` must be callable, got {func!r}.")
    return optree.tree_map(func, structure, is_leaf=_is_shape, none_is_leaf=True, namespace=NAMESPACE)


def _is_shape(x: Any) -> bool:
    return isinstance(x, tuple | list) and all(isinstance(e, int | None) for e in x)


def assert_same_structure(a: Any, b: Any, check_types: Any = None) -> None:
    """That two trees have one structure.

    Args:
        a, b: Trees.
        check_types: Kept for Keras: types always count; a value raises an error.

    Raises:
        ValueError: if they differ.
    """
    if check_types is not None:
        raise ValueError("`check_types` is gone: the types of nodes always count.")
    one, other = (optree.tree_structure(t, none_is_leaf=True, namespace=NAMESPACE) for t in (a, b))
    if one != other:
        raise ValueError(f"The structures differ:\n  {one}\n  {other}")


def assert_same_paths(a: Any, b: Any) -> None:
    """That the leaves of two trees stand under the same paths (lists and tuples count as alike).

    Args:
        a, b: Trees.

    Raises:
        ValueError: if they differ, naming the paths.
    """
    first, second = ({path for path, _ in flatten_with_path(t)} for t in (a, b))
    if first != second:
        raise ValueError(
            f"The paths differ. Only in the first: {sorted(first - second, key=str)}. Only in the second: "
            f"{sorted(second - first, key=str)}."
        )


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any]) -> Any:
    """A tree of a given structure with other leaves.

    Args:
        structure: The structure.
        flat_sequence: The leaves, in the order of `flatten`.

    Returns:
        The tree.

    Raises:
        ValueError: if the number of leaves differs.

    Example:
        >>> import lamina
        >>> lamina.tree.pack_sequence_as({"b": [0, 0], "a": 0}, [1, 2, 3])
        {'b': [2, 3], 'a': 1}
    """
    spec = optree.tree_structure(structure, none_is_leaf=True, namespace=NAMESPACE)
    leaves = list(flat_sequence)
    if spec.num_leaves != len(leaves):
        raise ValueError(f"The structure has {spec.num_leaves} leaves, but {len(leaves)} values were given.")
    return spec.unflatten(leaves)


def lists_to_tuples(structure: Any) -> Any:
    """The tree with tuples in place of lists.

    Args:
        structure: A tree.

    Returns:
        The new tree.

    Example:
        >>> import lamina
        >>> lamina.tree.lists_to_tuples([1, [2]])
        (1, (2,))
    """
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Visit every node and leaf; what `func` returns takes its place.

    Args:
        func: Takes a subtree and returns what is to stand there, None to leave it and go on, or `MAP_TO_NONE`.
        structure: A tree.
        top_down: Whether a node is visited before what it holds.

    Returns:
        The new tree.

    Raises:
        TypeError: if `func` is not callable.

    Example:
        >>> import lamina
        >>> lamina.tree.traverse(lambda x: "list" if isinstance(x, list) else None, {"a": [1]})
        {'a': 'list'}
    """
    if not callable(func):
        raise TypeError(f"`func` must be callable, got {func!r}.")
    if top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    if is_nested(structure):
        children, spec = _children(structure)
        structure = spec.unflatten([traverse(func, child, top_down) for child in children])
    if not top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    return structure


def _children(node: Any) -> tuple[list[Any], Any]:
    """The entries of a node, and what puts others in their place."""
    leaves, spec = optree.tree_flatten(
        node, is_leaf=lambda x: x is not node, none_is_leaf=True, namespace=NAMESPACE
    )
    return leaves, spec
