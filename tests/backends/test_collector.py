"""While a framework is imported nothing is collected; before and after it everything is as it was."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap

import pytest

from lamina.backends import process


@pytest.fixture(params=[True, False], ids=["on", "off"])
def working(request):
    """The collector switched on or off."""
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def test_the_switch_is_left_as_it_was(working):
    with process.collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled() is working
    with pytest.raises(ImportError), process.collector_paused():
        raise ImportError
    assert gc.isenabled() is working


def in_a_process(program: str) -> None:
    """Tests freeze what they import themselves, so the rest is seen in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "LAMINA_BACKEND": "numpy"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_is_made_inside_is_old_and_still_collected():
    in_a_process("""
        import gc, weakref
        from lamina.backends import process
        class Ring: pass
        gc.collect()
        with process.collector_paused():
            rings = [Ring() for _ in range(5000)]
            for ring in rings:
                ring.itself = ring
        assert any(o is rings[9] for o in gc.get_objects(2))
        assert gc.get_count()[0] < 1000 and gc.get_freeze_count() == 0
        one = weakref.ref(rings[0])
        del ring, rings
        gc.collect()
        assert one() is None
    """)


def test_a_backend_is_imported_so():
    in_a_process("""
        import gc, sys
        seen = []
        class Watch:
            def find_spec(self, name, path=None, target=None):
                if name.startswith("lamina.backends.numpy"):
                    seen.append(gc.isenabled())
        sys.meta_path.insert(0, Watch())
        from lamina import backends
        backends.load("numpy")
        assert seen and not any(seen), seen
        assert gc.isenabled()
    """)


def test_what_was_frozen_stays_frozen():
    gc.freeze()
    frozen = gc.get_freeze_count()
    with process.collector_paused():
        pass
    assert gc.get_freeze_count() == frozen > 0
