"""`python -m lamina`."""

from lamina.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
