"""The compiled step of a model, and the bytes that its collectives move."""

import math
import re

import jax
import jax.extend

from lamina.kernel.context import current
from lamina.training.run import spread

_WIDTH = {
    "pred": 1,
    "s8": 1,
    "u8": 1,
    "bf16": 2,
    "f16": 2,
    "s32": 4,
    "u32": 4,
    "f32": 4,
    "s64": 8,
    "u64": 8,
    "f64": 8,
}
# bytes that each device sends, by the bytes of the whole result and the number of devices that take part
_SENT = {
    "all-reduce": lambda size, p: 2 * (p - 1) / p * size,
    "all-gather": lambda size, p: (p - 1) / p * size,
    "reduce-scatter": lambda size, p: (p - 1) * size,  # of a part, which is what it gives
    "all-to-all": lambda size, p: (p - 1) / p * size,
    "collective-permute": lambda size, p: size,
}


def compiled_step(model, x, y):
    """One training step as XLA compiled it, under the distribution in force."""
    step, values, placed = _step(model, x, y)
    return jax.jit(step, donate_argnums=0).lower(values, placed).compile()


def traced_step(model, x, y):
    """One training step as jax traced it."""
    step, values, placed = _step(model, x, y)
    return jax.make_jaxpr(step)(values, placed).jaxpr


def equations(jaxpr):
    """All equations, also those of inner functions."""
    for eqn in jaxpr.eqns:
        yield eqn
        for inner in jax.extend.core.jaxprs_in_params(eqn.params):
            yield from equations(inner)


def _step(model, x, y):
    batch = (x, y, None)
    program = model._model_state.programs.get(model, "train", current(), lambda: batch)
    placed = spread.batch(program.k, batch)
    return program._pure, [v.value for v in program.variables], placed


def collectives(text):
    """[(kind, shapes of the results, devices that take part)] of a compiled program."""
    found = []
    for line in text.splitlines():
        match = re.search(
            r" = (.*?) (all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)(-start)?\(", line
        )
        if match:
            shapes = [
                (kind, tuple(int(n) for n in sizes.split(",") if n))
                for kind, sizes in re.findall(r"(\w+)\[([\d,]*)\]", match[1])
            ]
            found.append((match[2], shapes, _taking_part(line)))
    return found


def memory(step):
    """(bytes that a device holds between steps, bytes of the step with its batch), as XLA says."""
    found = step.memory_analysis()
    own = found.output_size_in_bytes - found.alias_size_in_bytes
    return found.alias_size_in_bytes, found.argument_size_in_bytes + found.temp_size_in_bytes + own


def _taking_part(line):
    if match := re.search(r"replica_groups=mesh\[(.*?)\] \{(.*?)\}", line):
        sizes = {name: int(n) for name, n in re.findall(r"'(\w+)'=(\d+)", match[1])}
        return math.prod(sizes[name] for name in re.findall(r"'(\w+)'", match[2]))
    if match := re.search(r"replica_groups=\[(\d+),(\d+)\]", line):
        return int(match[2])
    if match := re.search(r"replica_groups=\{\{([\d,]+)\}", line):
        return len(match[1].split(","))
    return jax.device_count()


def sent(text):
    """Kind -> bytes that each device sends in one step; a tuple of results is one collective of all of them."""
    total = {}
    for kind, shapes, p in collectives(text):
        size = sum(math.prod(sizes) * _WIDTH[width] for width, sizes in shapes)
        total[kind] = total.get(kind, 0) + _SENT[kind](size, p)
    return total
