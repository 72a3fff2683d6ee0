"""Connectionist temporal classification: labels without alignment."""

from __future__ import annotations

import warnings
from typing import Any

from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import at_least, one_of, shown
from lamina.ops.nn.activations import log_softmax
from lamina.ops.op import Output, Tensor, op

_NEVER = -1e30  # stands for log 0, and stays finite in sums and gradients
_IMPOSSIBLE = 1e5  # the loss of labels that no alignment gives


def _check(op: str, output: Any, lengths: Any, target: Any = None, target_lengths: Any = None) -> None:
    if len(output.shape) != 3:
        raise ValueError(
            f"{op}: expected outputs of shape (batch, time, classes), got {shown(output.shape)}."
        )
    if target is not None and len(target.shape) != 2:
        raise ValueError(f"{op}: expected targets of shape (batch, labels), got {shown(target.shape)}.")
    for name, x, rank in (
        ("target", target, 2),
        ("target_length", target_lengths, 1),
        ("output lengths", lengths, 1),
    ):
        if x is None:
            continue
        sizes = (x.shape[0], output.shape[0]) if len(x.shape) == rank else (0, 1)
        if sizes[0] != sizes[1] and Unknown not in map(type, sizes):
            raise ValueError(
                f"{op}: {name} of shape {shown(x.shape)} does not fit outputs {shown(output.shape)}."
            )


def _precise(k: Kernel, x: Any) -> Any:
    """Log probabilities are sums over all steps: half precision and whole numbers become float32."""
    return x if k.dtype(x) in ("float32", "float64") else k.astype(x, "float32")


@op("target", "output", "target_length", "output_length", module="nn", class_name="CTCLoss")
def ctc_loss(
    k: Kernel,
    target: Tensor,
    output: Tensor,
    target_length: Tensor,
    output_length: Tensor,
    mask_index: int = 0,
) -> Output:
    """Minus the log probability of the labels, over all alignments with blanks and repetitions.

    `-log sum over paths that collapse to the target of prod_t softmax(output_t)[path_t]`

    Args:
        target: Integer tensor (batch, labels).
        output: Float tensor (batch, time, classes): logits.
        target_length: Integer tensor (batch,): how many labels count.
        output_length: Integer tensor (batch,): how many steps count.
        mask_index: The class that means "no label".

    Returns:
        A tensor (batch,) of 32 bits or more; 1e5 where the steps are too few for the labels.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> loss = lamina.ops.ctc_loss([[1]], [[[0.0, 1e4]]], [1], [1])
        >>> lamina.ops.convert_to_numpy(loss + 0.0).tolist()
        [0.0]

    Reference:
        Graves et al., 2006: Connectionist Temporal Classification
    """
    _check("ctc_loss", output, output_length, target, target_length)
    wide = _precise(k, output)
    log_p = log_softmax.op.run(k, wide, -1)
    batch, time, _ = k.shape(output)
    blank = k.full((batch, 1), mask_index, "int32")
    labels = k.astype(target, "int32")
    # Labels with a blank before each and one behind: the states of an alignment.
    pairs = k.stack([k.broadcast_to(blank, k.shape(labels)), labels], -1)
    states = k.concat([k.reshape(pairs, (batch, 2 * k.shape(labels)[1])), blank], 1)
    count = k.shape(states)[1]
    emitted = k.take_along_axis(log_p, k.expand_dims(states, 1), 2)
    before = k.concat([k.broadcast_to(blank, (batch, 2)), states], 1)[:, :count]
    place = k.arange(0, count, 1, "int32")
    # Over the blank between two different labels, also where a label is itself the blank.
    may_skip = k.logical_and(k.remainder(place, k.full((), 2, "int32")) == 1, states != before)
    first = place == 0
    start = k.broadcast_to(k.where(first, k.zeros((), k.dtype(wide)), _NEVER), (batch, count))
    nothing = k.full((batch, 2), _NEVER, k.dtype(wide))

    def step(alpha: Any, x: Any) -> Any:
        here, t = x
        shifted = k.concat([nothing, alpha], 1)
        by_one = k.logaddexp(alpha, shifted[:, 1 : count + 1])
        reached = k.logaddexp(by_one, k.where(may_skip, shifted[:, :count], _NEVER)) + here
        # Before its first step a path is in no state: it begins with the first blank or the first label.
        goes_on = k.expand_dims(t < k.astype(output_length, "int32"), 1)
        return k.where(goes_on, k.maximum(reached, _NEVER), alpha), None

    moves = (k.permute_dims(emitted, (1, 0, 2)), k.arange(0, time, 1, "int32"))
    alpha, _ = k.scan(step, start, moves, time, False, 1)
    last = k.expand_dims(k.astype(target_length, "int32") * 2, 1)
    on_blank = k.take_along_axis(alpha, last, 1)
    on_label = k.take_along_axis(alpha, k.clip(last - 1, 0, None), 1)
    total = k.squeeze(k.logaddexp(on_blank, k.where(last > 0, on_label, _NEVER)), 1)
    return k.where(total > 0.5 * _NEVER, -total, _IMPOSSIBLE)


@op("inputs", "sequence_lengths", module="nn", class_name="CTCDecode")
def ctc_decode(
    k: Kernel,
    inputs: Tensor,
    sequence_lengths: Tensor,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Tensor, Tensor]:
    """The labels behind outputs trained with `ctc_loss`.

    Args:
        inputs: Float tensor (batch, time, classes): logits.
        sequence_lengths: Integer tensor (batch,): how many steps count.
        strategy: "greedy" (the best class of each step) or "beam_search" (the most probable labels).
        beam_width: How many prefixes the search keeps.
        top_paths: How many results the search gives.
        merge_repeated: Whether equal neighbors are one label (greedy; the search always sums over repetitions).
        mask_index: The class that means "no label".

    Returns:
        Labels, an int32 tensor (top_paths, batch, time) filled up with -1, and scores (batch, top_paths) of 32 bits or
        more: log probabilities from the search, minus the sum of the chosen logits from the greedy strategy.

    Raises:
        ValueError: if an argument is unknown or a shape does not fit.

    Example:
        >>> import lamina
        >>> labels, _ = lamina.ops.ctc_decode([[[0.0, 9.0], [0.0, 9.0], [9.0, 0.0]]], [3])
        >>> lamina.ops.convert_to_numpy(labels).tolist()
        [[[1, -1, -1]]]
    """
    _check("ctc_decode", inputs, sequence_lengths)
    if not isinstance(mask_index, int):
        raise ValueError(f"ctc_decode: `mask_index` must be an integer, got {mask_index!r}.")
    lengths = k.astype(sequence_lengths, "int32")
    if one_of("ctc_decode", "strategy", strategy, ("greedy", "beam_search")) == "greedy":
        return _greedy(k, _precise(k, inputs), lengths, merge_repeated, mask_index)
    at_least("ctc_decode", "top_paths", top_paths, 1)
    if beam_width < top_paths:
        raise ValueError(
            f"ctc_decode: `beam_width` must be at least `top_paths`, got {beam_width} and {top_paths}."
        )
    if not merge_repeated:
        warnings.warn(
            "ctc_decode: the beam search sums over repetitions whatever `merge_repeated`.", stacklevel=3
        )
    return _beam_search(k, inputs, lengths, beam_width, top_paths, mask_index)


def _greedy(k: Kernel, x: Any, lengths: Any, merge: bool, blank: int) -> tuple[Any, Any]:
    batch, time, _ = k.shape(x)
    best = k.argmax(x, -1)
    step = k.arange(0, time, 1, "int32")
    counts = step < k.expand_dims(lengths, 1)
    keep = k.logical_and(counts, best != blank)
    if merge:
        before = k.concat([k.full((batch, 1), -1, "int32"), best], 1)[:, :time]
        keep = k.logical_and(keep, best != before)
    order = k.argsort(k.astype(k.logical_not(keep), "int32"), 1)
    packed = k.take_along_axis(best, order, 1)
    number = k.sum(k.astype(keep, "int32"), 1, True)
    labels = k.where(step < number, packed, -1)
    score = -k.sum(k.where(counts, k.max(x, -1), 0.0), 1, True)
    return k.expand_dims(labels, 0), score


def _beam_search(k: Kernel, x: Any, lengths: Any, width: int, paths: int, blank: int) -> tuple[Any, Any]:
    """Prefixes with the log probability of ending in a blank and in their last label, extended step by step."""
    log_p = log_softmax.op.run(k, _precise(k, x), -1)
    batch, time, classes = k.shape(x)
    places = k.arange(0, time, 1, "int32")
    labels = k.arange(0, classes, 1, "int32")
    empty = k.broadcast_to(k.arange(0, width, 1, "int32") == 0, (batch, width))
    never = k.full((batch, width), _NEVER, k.dtype(log_p))
    zeros = k.zeros((batch, width), "int32")
    start = {
        "prefix": k.full((batch, width, time), -1, "int32"),
        "length": k.where(empty, zeros, -1),  # -1 marks a place in the beam that nothing has taken yet
        "last": zeros - 1,
        "blank": k.where(empty, 0.0, never),
        "label": never,
        "hash": k.stack([zeros, zeros], -1),  # of the prefix, and of the prefix without its last label
        "parent": k.stack([zeros - 1, zeros - 1], -1),
    }

    def step(beam: dict[str, Any], move: Any) -> Any:
        now, t = move
        ends_blank, ends_label, last = beam["blank"], beam["label"], beam["last"]
        total = k.logaddexp(ends_blank, ends_label)
        column = k.expand_dims(now, 1)
        has_last = last >= 0
        stay_blank = total + now[:, blank : blank + 1]
        again = k.take_along_axis(now, k.clip(last, 0, None), 1)
        stay_label = k.where(has_last, ends_label + again, _NEVER)
        same = labels == k.expand_dims(last, -1)
        longer = k.where(same, k.expand_dims(ends_blank, -1), k.expand_dims(total, -1)) + column
        longer = k.where(labels == blank, _NEVER, longer)

        # A longer prefix may be in the beam already: its probability goes there. child[w, v]: v is w and a label.
        child = k.all(k.expand_dims(beam["hash"], 2) == k.expand_dims(beam["parent"], 1), -1)
        child = k.logical_and(child, k.expand_dims(beam["length"], 2) + 1 == k.expand_dims(beam["length"], 1))
        child = k.logical_and(child, k.expand_dims(k.logical_and(has_last, beam["length"] > 0), 1))
        known = k.broadcast_to(k.expand_dims(k.clip(last, 0, None), 1), (batch, width, width))
        given = k.max(k.where(child, k.take_along_axis(longer, known, 2), _NEVER), 1)
        stay_label = k.logaddexp(stay_label, given)
        rows = k.one_hot(last, classes, -1, "float32")
        taken = k.matmul(k.astype(child, "float32"), rows) > 0.5
        longer = k.where(taken, _NEVER, longer)

        # The best of all prefixes, as they are or one label longer.
        scores = k.concat(
            [k.logaddexp(stay_blank, stay_label), k.reshape(longer, (batch, width * classes))], 1
        )
        score, chosen = k.top_k(scores, width, True)
        grown = chosen >= width
        beyond = k.clip(chosen - width, 0, None)
        parent = k.where(grown, k.floor_divide(beyond, k.full((), classes, "int32")), chosen)
        label = k.remainder(beyond, k.full((), classes, "int32"))

        def of(field: Any) -> Any:
            index = parent
            for _ in range(len(field.shape) - 2):
                index = k.expand_dims(index, -1)
            return k.take_along_axis(field, k.broadcast_to(index, (*parent.shape, *field.shape[2:])), 1)

        length, wide = of(beam["length"]), k.expand_dims(grown, -1)
        here = k.logical_and(wide, places == k.expand_dims(length, -1))
        old_hash = of(beam["hash"])
        # Two hashes of 32 bits that overflow on purpose: equal prefixes have equal ones, others practically never.
        factors = k.asarray([1000003, 69069], "int32")
        new_hash = old_hash * factors + k.expand_dims(label, -1) + 1
        alive = score > 0.5 * _NEVER
        new = {
            "prefix": k.where(here, k.expand_dims(label, -1), of(beam["prefix"])),
            "length": k.where(alive, length + k.astype(grown, "int32"), -1),
            "last": k.where(grown, label, of(last)),
            "blank": k.where(grown, _NEVER, of(stay_blank)),
            "label": k.where(grown, score, of(stay_label)),
            "hash": k.where(wide, new_hash, old_hash),
            "parent": k.where(wide, old_hash, of(beam["parent"])),
        }
        goes_on = k.expand_dims(t < lengths, 1)

        def kept(field: str) -> Any:
            flag = k.expand_dims(goes_on, -1) if len(new[field].shape) == 3 else goes_on
            return k.where(flag, new[field], beam[field])

        return {field: kept(field) for field in new}, None

    beam, _ = k.scan(step, start, (k.permute_dims(log_p, (1, 0, 2)), places), time, False, 1)
    score, best = k.top_k(k.logaddexp(beam["blank"], beam["label"]), paths, True)
    index = k.broadcast_to(k.expand_dims(best, -1), (batch, paths, time))
    found = k.take_along_axis(beam["prefix"], index, 1)
    return k.permute_dims(found, (1, 0, 2)), score
