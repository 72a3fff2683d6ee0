"""No layer repeats a sibling's code. What siblings share by their nature is lists of arguments and docstrings."""

from __future__ import annotations

import ast
import copy
from pathlib import Path

import lamina.layers

FOLDER = Path(lamina.layers.__file__).parent
LINES = 6  # so many lines of one shape are a copy


class _Shape(ast.NodeTransformer):
    """Other names, strings and numbers make no other code."""

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name("x", node.ctx)

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(0)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Constant:
        return ast.Constant(0)

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        return ast.Attribute(self.visit(node.value), "x", node.ctx)

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        return ast.keyword("x" if node.arg else None, self.visit(node.value))


def hands_on(statement: ast.stmt) -> bool:
    """Whether a statement of a constructor only passes arguments on or keeps one."""
    if isinstance(statement, ast.Expr | ast.Assign):
        value = statement.value
        return isinstance(value, ast.Call | ast.Name | ast.Tuple | ast.Attribute | ast.Constant)
    return False


def lines(function: ast.FunctionDef) -> list[str]:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    kept = [s for s in body if function.name != "__init__" or not hands_on(s)]
    return [line for s in kept for line in ast.unparse(_Shape().visit(copy.deepcopy(s))).splitlines()]


def repeated(sources: dict[str, str]) -> list[str]:
    """Where runs of lines of one shape stand twice."""
    seen: dict[tuple[str, ...], str] = {}
    found = []
    for name, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                own = lines(node)
                for i in range(len(own) - LINES + 1):
                    place, run = f"{name}:{node.lineno} {node.name}", tuple(own[i : i + LINES])
                    if seen.setdefault(run, place) != place:
                        found.append(f"{place} ~ {seen[run]}")
    return sorted(set(found))


def test_layers_repeat_nothing_but_lists_of_arguments() -> None:
    paths = sorted(FOLDER.rglob("*.py"))
    assert len(paths) > 30
    assert repeated({str(p.relative_to(FOLDER)): p.read_text() for p in paths}) == []


def test_a_copy_is_found() -> None:
    loop = "\n".join(f"    {{0}} = {{0}} * {n} + {{0}}.size({n})" for n in range(LINES))
    sources = {f"{name}.py": f"def {name}({name}):\n{loop.format(name)}\n" for name in ("first", "second")}
    assert repeated(sources) == ["second.py:1 second ~ first.py:1 first"]
