"""Writes `docs/kernel.md` from the contract."""

import pathlib

from lamina.kernel import contract

HEAD = """# The kernel language

What a backend is: {count} functions in `lamina/kernel/contract.py`, {extension} of them the neural extension; the others are the
Python Array API standard with dtypes as names and what it lacks for one to be a base of every operation. `T` is the
backend's tensor type. Callers (`lamina.ops`) hand over clean input: tensors of one dtype, axes in range.

This page is written by `python docs/kernel.py`.
"""


def main() -> None:
    lines = [
        HEAD.format(count=len(contract.functions()), extension=len(contract.functions(contract.EXTENSION)))
    ]
    for part in (*contract.STANDARD, *contract.EXTENSION):
        lines += [f"## {part.__name__}", "", part.__doc__ or "", "", "| function | rule |", "|---|---|"]
        lines += [f"| `{name}` | {getattr(part, name).__doc__} |" for name in contract.functions([part])]
        lines.append("")
    lines += ["## Fused", "", contract.Fused.__doc__ or "", "", "| form | rule |", "|---|---|"]
    forms = [name for name in vars(contract.Fused) if name[0] != "_" and name != "offers"]
    lines += [f"| `{name}` | {getattr(contract.Fused, name).__doc__} |" for name in forms]
    lines += ["", "## Spread", "", contract.Spread.__doc__ or "", "", "| function | rule |", "|---|---|"]
    forms = [n for n, f in vars(contract.Spread).items() if callable(f) and n[0] != "_" and n != "offered"]
    lines += [f"| `{name}` | {getattr(contract.Spread, name).__doc__} |" for name in forms]
    lines.append("")
    (pathlib.Path(__file__).parent / "kernel.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
