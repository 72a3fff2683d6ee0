"""Tests on eight simulated devices run in a process of their own, since XLA reads how many there are once."""

import os

collect_ignore = [] if os.environ.get("LAMINA_TEST_DEVICES") else ["eight", "logical"]
