"""Writes the lines of `docs/seeds.md`: for each `symbol` (`file:line`), where the symbol is defined now.

python docs/seeds.py
"""

from __future__ import annotations

import ast
import functools
import pathlib
import re

PAGE = pathlib.Path(__file__).with_name("seeds.md")
ROOT = PAGE.parents[1]
PLACE = re.compile(r"`([\w.]+)` \(`(lamina/[\w/]+\.py):(\d+)`\)")


@functools.cache
def definitions(file: str) -> dict[str, int]:
    """The lines where names of a module and members of its classes are defined."""
    found: dict[str, int] = {}

    def walk(body: list[ast.stmt], inside: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found.setdefault(inside + node.name, node.lineno)
            if isinstance(node, ast.ClassDef):
                walk(node.body, f"{node.name}.")
            for target in node.targets if isinstance(node, ast.Assign) else ():
                if isinstance(target, ast.Name):
                    found.setdefault(inside + target.id, node.lineno)

    walk(ast.parse((ROOT / file).read_text()).body, "")
    return found


def written(page: str) -> str:
    """The page with the lines of today.

    Raises:
        KeyError: if a file does not define a symbol.
    """

    def line(match: re.Match[str]) -> str:
        symbol, file, _ = match.groups()
        if symbol not in definitions(file):
            raise KeyError(f"{file} does not define {symbol}, which docs/seeds.md names.")
        return f"`{symbol}` (`{file}:{definitions(file)[symbol]}`)"

    return PLACE.sub(line, page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
