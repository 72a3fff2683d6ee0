"""The page of the documentation runs, on eight devices."""

import pathlib
import re

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "distribution.md"


def test_page_runs(capsys):
    names = {"__name__": "page"}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE):
        exec(compile(block, str(PAGE), "exec"), names)
    assert "FullyShardedDataParallel on 64 devices (batch 64), batches of 512 rows" in capsys.readouterr().out
