"""The floors of the house: who may import whom. Every import counts, also one inside a function."""

import ast
import functools
import pathlib
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

PACKAGE = pathlib.Path(__file__).parent.parent / "lamina"

# From the ground up. A module imports from its own floor and from those below it.
FLOORS = (
    "errors",
    "kernel",
    "backends",
    "ops",
    "core",
    "tree random initializers regularizers constraints activations dtype_policies config distribution utils.bounding_boxes utils.images legacy.saving",
    "layers losses metrics optimizers mixed_precision",
    "saving",
    "callbacks training",
    "visual models visualization",
    "distribution.ray utils backend applications wrappers distillation datasets preprocessing",
    "legacy cli commands __init__ __main__",
)
FLOOR = {name: level for level, names in enumerate(FLOORS) for name in names.split()}

# Imports inside functions: module -> what it imports late, and last why. All others stand at the top of their files.
DEFERRED: dict[str, tuple[str, ...]] = {
    "lamina.backends.files": (
        "lamina.backends.torch.files",
        "a framework is imported by who reads its files",
    ),
    "lamina.commands.bench": ("lamina", "the import is part of what is timed"),
    "lamina.config": (
        "lamina.core.devices",
        "lamina.core.policy",
        "the names are those of its own functions",
    ),
    "lamina.dtype_policies.policies": ("lamina.core.codec", "the names are those of its own functions"),
    "lamina.layers.bridges": (
        "lamina.backends.jax.bridges",
        "lamina.backends.tensorflow.bridges",
        "lamina.backends.torch.bridges",
        "a framework is imported by who uses its layers",
    ),
    "lamina.layers.regularize": ("lamina.config", "a parameter has its name"),
    "lamina.legacy.alias": ("lamina", "lamina.legacy.spellings", "the alias stands before Lamina is loaded"),
    "lamina.legacy.backend.math": ("lamina.legacy.backend.state", "a parameter has its name"),
    "lamina.legacy.methods": ("lamina.losses", "a parameter has its name"),
    "lamina.models.host_part": (
        "lamina.layers.preprocessing.streams",
        "lamina.layers.preprocessing.strings",
        "the time to the first step: text is prepared in few programs",
    ),
    "lamina.models.model": (
        "lamina.saving.models",
        "lamina.saving.weight_files",
        "lamina.visual.page",
        "lamina.visual.plan",
        "lamina.visual.summary",
        "the time to the first step: readers of files come with the first file, pictures with the first picture",
    ),
    "lamina.models.sequential": (
        "lamina.layers",
        "lamina.layers.preprocessing.strings",
        "a property has its name; text is prepared in few programs",
    ),
}


class Import(NamedTuple):
    source: str
    target: str
    deferred: bool
    line: int


def module_of(path: pathlib.Path) -> str:
    parts = list(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports() -> Iterator[Import]:
    for source, path in PATHS.items():
        tree = ast.parse(path.read_text())
        inside = {
            id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.Lambda) for n in ast.walk(f)
        }
        checked = {
            id(n)
            for test in ast.walk(tree)
            if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.dump(test.test)
            for n in ast.walk(test)
        }
        for node in ast.walk(tree):
            if id(node) not in checked:
                for target in targets(node):
                    yield Import(source, target, id(node) in inside, getattr(node, "lineno", 0))


def targets(node: ast.AST) -> Iterator[str]:
    """The modules of Lamina that a statement imports, `import_module` of a constant included."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "lamina")
    elif (
        isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "lamina"
    ):
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in PATHS else str(node.module)


@functools.cache
def all_imports() -> list[Import]:
    """Found by the worker that asks: reading every file takes two seconds."""
    return list(imports())


def level(module: str) -> int:
    parts = module.split(".")[1:] or ["__init__"]
    found = [
        FLOOR[n] for n in (".".join(parts[:2]), parts[0]) if n in FLOOR
    ]  # a folder may stand below its parent
    assert found, f"{parts[0]} stands on no floor: add it to FLOORS"
    return found[0]


def test_nothing_imports_upward():
    up = [f"{i.source}:{i.line} -> {i.target}" for i in all_imports() if level(i.target) > level(i.source)]
    assert up == []


def test_there_are_no_circles():
    """Not even of imports that are put off until a function runs."""
    graph = defaultdict(set)
    for i in all_imports():
        if i.source != i.target:
            graph[i.source].add(i.target)
    assert circles(graph) == []


def test_deferred_imports_have_a_reason():
    late = {(i.source, i.target) for i in all_imports() if i.deferred}
    listed = {(source, target) for source, (*found, _) in DEFERRED.items() for target in found}
    assert late - listed == set()
    assert listed - late == set()
    assert len([i for i in all_imports() if i.deferred]) <= 40


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one module (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in sorted(graph.get(module, ())):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            component = [stack.pop()]
            while component[-1] != module:
                component.append(stack.pop())
            if len(component) > 1:
                found.append(sorted(component))

    for module in list(graph):
        if module not in index:
            visit(module)
    return found


def test_the_walk_sees_what_it_should():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    late = ast.parse("def f():\n    from lamina.core import names\n    import lamina.ops.op")
    assert [t for n in ast.walk(late) for t in targets(n)] == ["lamina.core.names", "lamina.ops.op"]
