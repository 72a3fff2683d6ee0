"""The guide to transfer learning runs as it stands."""

import pathlib
import re

import lamina

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "transfer_learning.md"


def test_every_block_of_the_guide_runs():
    text = PAGE.read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 7
    assert 'WEIGHTS = "imagenet"' in blocks[0]
    blocks[0] = blocks[0].replace('WEIGHTS = "imagenet"', "WEIGHTS = None")
    lamina.utils.set_random_seed(0)
    names: dict = {}
    with lamina.backend("torch"):  # it starts operations at once
        for block in blocks:
            line = text[: text.index(block.splitlines()[-1])].count("\n")
            exec(compile("\n" * max(0, line - block.count("\n")) + block, str(PAGE), "exec"), names)
    history = names["history"].history
    assert {"loss", "what_loss", "where_loss", "what_accuracy"} <= history.keys()
