"""What callbacks say beside training."""

from __future__ import annotations

import logging

from lamina.config import is_interactive_logging_enabled


def say(line: str) -> None:
    """Print a line; to the `lamina` logger where interactive logging is off."""
    if is_interactive_logging_enabled():
        print(line, flush=True)
    else:
        logging.getLogger("lamina").info(line)
