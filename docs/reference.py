"""The reference: one page per namespace, from the public stubs and the docstrings, made while the site is built.

A hook of mkdocs. It looks at the objects themselves and not at their source, as static readers of docstrings do: an
op's parameters, an application's docstring and a lazily imported name exist only at run time.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from types import ModuleType
from typing import Any

SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Example", "Reference")


def namespaces() -> dict[str, dict[str, Any]]:
    """Public names and objects by namespace, the shortest first."""
    found: dict[str, dict[str, Any]] = {}
    waiting = ["lamina"]
    while waiting:
        space = waiting.pop()
        module = importlib.import_module(space)
        listed = sorted(_listed(space, module), key=str.lower)
        things = {name: getattr(module, name) for name in listed if name[0] != "_"}
        found[space] = {name: thing for name, thing in things.items() if not isinstance(thing, ModuleType)}
        waiting += [f"{space}.{name}" for name, thing in things.items() if isinstance(thing, ModuleType)]
    return {space: found[space] for space in sorted(found, key=lambda s: (s.count("."), s))}


def _listed(space: str, module: ModuleType) -> list[str]:
    """The names of a stub or of `__all__`; a module without either lists what it defines."""
    own = [name for name, thing in vars(module).items() if getattr(thing, "__module__", "") == space]
    return list(getattr(module, "__all__", own))


@functools.cache
def pages() -> dict[str, str]:
    """Markdown by path: a page per namespace and an index of them."""
    spaces = namespaces()
    found: dict[int, str] = {}  # an object is described where its name is most specific
    for space in sorted(spaces, key=lambda s: (-s.count("."), s)):
        for name, thing in spaces[space].items():
            if callable(thing) or inspect.isclass(thing):
                found.setdefault(id(thing), f"{space}.{name}")
    index = ["# Reference", "", "Every public name, by namespace.", "", "| namespace | names |", "|---|---|"]
    result = {}
    for space, names in spaces.items():
        index.append(f"| [`{space}`]({space}.md) | {len(names)} |")
        parts = [f"# {space}", "", _text(inspect.getdoc(importlib.import_module(space)) or "")]
        inner = [other for other in spaces if other.rpartition(".")[0] == space]
        if inner:
            parts += ["", "Namespaces in it: " + ", ".join(f"[`{o}`]({o}.md)" for o in inner) + "."]
        for name, thing in names.items():
            parts.append(_entry(f"{space}.{name}", name, thing, found))
        result[f"reference/{space}.md"] = "\n".join(parts) + "\n"
    result["reference/index.md"] = "\n".join(index) + "\n"
    return result


def _entry(path: str, name: str, thing: Any, found: dict[int, str]) -> str:
    head = f"\n## {path} {{ #{path} }}\n"
    home = found.get(id(thing), path)
    if home != path:
        return f"{head}\nThe same as [`{home}`]({home.rpartition('.')[0]}.md#{home})."
    if not callable(thing):
        return f"{head}\nThe value `{thing!r}`."
    parts = [head, _signature(name, thing), _text(inspect.getdoc(thing) or "")]
    if inspect.isclass(thing):
        for method, member in vars(thing).items():
            inner = member.__func__ if isinstance(member, classmethod | staticmethod) else member
            if method[0] == "_" or not (inspect.isfunction(inner) or isinstance(inner, property)):
                continue
            if text := inspect.getdoc(inner):
                shown = "" if isinstance(inner, property) else _signature(method, inner)
                parts += [f"\n### {name}.{method} {{ #{path}.{method} }}\n", shown, _text(text)]
    return "\n".join(parts)


def _signature(name: str, thing: Any) -> str:
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):  # a builtin of Python
        return ""
    shown = [str(p.replace(annotation=p.empty)) for p in parameters if p.name not in ("self", "cls")]
    line = f"{name}({', '.join(shown)})"
    if len(line) > 78:  # what a page shows without scrolling
        line = f"{name}(\n    " + ",\n    ".join(shown) + ",\n)"
    return f"```python\n{line}\n```\n"


def _text(doc: str) -> str:
    """A docstring in its fixed order as Markdown."""
    lines, out, kind = doc.splitlines(), [], ""
    block: list[str] = []
    for line in [*lines, "End:"]:
        heading = re.fullmatch(r"(\w+):", line)
        if not (heading and heading[1] in (*SECTIONS, "End")):
            block.append(line)
            continue
        out += _section(kind, block)
        kind, block = heading[1], []
    return "\n".join(out)


def _section(kind: str, block: list[str]) -> list[str]:
    lines = inspect.cleandoc("\n".join(["", *block])).splitlines()
    if not any(lines):
        return []
    if not kind:
        return _prose(lines)
    head = ["", f"**{kind}**", ""]
    if kind == "Example":
        return [*head, "```pycon", *lines, "```"]
    if kind in ("Args", "Attributes", "Raises"):
        items: list[str] = []
        for line in lines:
            match = re.match(r"(\*{0,2}[\w., *]+?): (.*)", line)
            if match:
                items.append(f"- `{match[1]}`: {_plain(match[2])}")
            else:
                items.append(f"    {_plain(line.strip())}")
        return [*head, *items]
    return [*head, *_prose(lines)]


def _prose(lines: list[str]) -> list[str]:
    """Paragraphs as they stand; indented lines and examples within them as code."""
    out, code = [], False
    for line in lines:
        inside = line.startswith(("    ", ">>> ")) or (code and bool(line.strip()))
        if inside != code and (inside or line.strip() or code):
            out += ["", "```text"] if inside else ["```", ""]
            code = inside
        out.append(line if code else _plain(line))
    return [*out, "```", ""] if code else out


def _plain(line: str) -> str:
    """A line of prose whose stars, brackets and angles mean themselves; code and formulas stand as they are."""
    parts = re.split(r"(`[^`]*`|\$[^$]+\$)", line)
    parts[::2] = [re.sub(r"([*\[\]<_])", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def on_config(config: Any) -> Any:
    """Puts the pages of the namespaces into the navigation."""
    entries = [path for path in pages() if not path.endswith("/index.md")]
    names = [{path.split("/")[1].removesuffix(".md"): path} for path in entries]
    for item in config["nav"]:
        if isinstance(item, dict) and "Reference" in item:
            item["Reference"] = ["reference/index.md", *names]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages, which stand in no folder."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files
