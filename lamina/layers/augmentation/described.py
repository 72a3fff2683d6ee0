"""What the docstrings of image layers share: said once, and filled in where a layer leaves it out."""

from __future__ import annotations

import inspect
import re

ARGUMENTS = {
    "fill_mode": 'What lies outside: "reflect", "wrap", "constant" or "nearest".',
    "interpolation": '"bilinear" or "nearest".',
    "fill_value": "The constant.",
    "value_range": "The lowest and the highest value of a pixel.",
    "seed": "An integer for repeatable draws.",
    "data_format": '"channels_last", "channels_first" or None for the default.',
    "name": "A name.",
}
_FURTHER = ("data_format", "bounding_box_format", "name", "dtype")  # of every layer, by keyword
_RETURNS = "Images of the same shape, in the compute dtype."
_RAISES = "ValueError: if an argument is unknown or out of range."
_SECTION = re.compile(r"^    (Args|Returns|Raises|Example|Reference):\n", re.MULTILINE)
_ENTRY = re.compile(r"^        (?=\S)", re.MULTILINE)


def described(cls: type) -> str | None:
    """A class's docstring, completed: every argument of its constructor in turn, what it gives, what it raises.

    Args:
        cls: A class whose docstring begins at the place of its body; what it says itself stays as it is.
    """
    text = cls.__doc__
    if text is None or "__init__" not in vars(cls) or not _SECTION.search(text):
        return text
    lead, *parts = _SECTION.split(text)
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    own = {_names(entry): entry for entry in _ENTRY.split(sections.get("Args", "").rstrip() + "\n")[1:]}
    parameters = inspect.signature(cls.__init__).parameters
    entries, used = [], set()
    for name, parameter in list(parameters.items())[1:]:
        names = next((n for n in own if name in n), None)
        if names is not None:
            entries += [own[names]] if names not in used else []
            used.add(names)
        elif parameter.kind is parameter.VAR_KEYWORD:
            further = [f"`{n}`" for n in _FURTHER if n not in parameters]
            entries.append(f"**{name}: {', '.join(further)}.\n")
        elif name in ARGUMENTS:
            entries.append(f"{name}: {ARGUMENTS[name]}\n")
    sections["Args"] = "".join(f"        {entry}" for entry in entries) + "\n"
    sections.setdefault("Returns", f"        {_RETURNS}\n\n")
    sections.setdefault("Raises", f"        {_RAISES}\n\n")
    ordered = [n for n in ("Args", "Returns", "Raises", "Example", "Reference") if n in sections]
    return lead + "".join(f"    {n}:\n{sections[n]}" for n in ordered)


def _names(entry: str) -> tuple[str, ...]:
    """The arguments that an entry describes."""
    return tuple(n.strip(" *") for n in entry.partition(":")[0].split(","))
