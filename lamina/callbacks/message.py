"""What callbacks say beside training."""

from __future__ import annotations

import logging

from lamina.config import is_interactive_logging_enabled
from lamina.kernel.context import processes


def say(line: str) -> None:
    """Print a line, in the first of several processes; to the `lamina` logger where interactive logging is off."""
    if processes()[0]:
        return
    if is_interactive_logging_enabled():
        print(line, flush=True)
    else:
        logging.getLogger("lamina").info(line)
