"""Writes `docs/kernel.md` from the contract."""

import inspect
import pathlib

from lamina.kernel import contract

HEAD = """# The kernel language

What a backend is: {count} functions in `lamina/kernel/contract.py`, {extension} of them the neural extension; the others are the
Python Array API standard with dtypes as names and what it lacks for one to be a base of every operation. `T` is the
backend's tensor type. Callers (`lamina.ops`) hand over clean input: tensors of one dtype, axes in range.

This page is written by `python docs/kernel.py`.
"""

# The optional parts, each with the function that says whether it is there.
OPTIONAL = {
    contract.Fused: "offers",
    contract.Spread: "offered",
    contract.Sparse: "offered",
    contract.Host: "offered",
}


def page() -> str:
    """The page as it has to be."""
    lines = [
        HEAD.format(count=len(contract.functions()), extension=len(contract.functions(contract.EXTENSION)))
    ]
    for part in (*contract.STANDARD, *contract.EXTENSION, *OPTIONAL):
        lines += [
            f"## {part.__name__}",
            "",
            inspect.getdoc(part) or "",
            "",
            "| function | rule |",
            "|---|---|",
        ]
        names = [name for name in contract.functions([part]) if name != OPTIONAL.get(part)]
        lines += [f"| `{name}` | {getattr(part, name).__doc__} |" for name in names]
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    (pathlib.Path(__file__).parent / "kernel.md").write_text(page())


if __name__ == "__main__":
    main()
