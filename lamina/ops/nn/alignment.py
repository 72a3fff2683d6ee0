"""Connectionist temporal classification: label sequences without a given alignment."""

from __future__ import annotations

from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.shapes.spec import Unknown
from lamina.ops._check import at_least, one_of, shown
from lamina.ops._op import Tensor, op
from lamina.ops.nn.activations import log_softmax

_NEVER = -1e30  # the logarithm of no probability; sums of two do not overflow
_IMPOSSIBLE = 1e5  # the loss of a label that does not fit into its steps


def _wide(k: Any, x: Any) -> Any:
    return k.astype(x, "float64" if k.dtype(x) == "float64" else "float32")


@op(module="nn")
def ctc_loss(
    k, target: Tensor, output: Tensor, target_length: Tensor, output_length: Tensor, mask_index: int = 0
) -> Tensor:
    """Cost of label sequences, over all ways to align them with the steps.

    `-log sum_alignments prod_t softmax(output_t)[alignment_t]`, where an alignment repeats labels and puts blanks
    between them

    Args:
        target: Integer tensor (batch, max_length): class numbers.
        output: Tensor (batch, steps, classes): logits.
        target_length: Integer tensor (batch,): how many labels count.
        output_length: Integer tensor (batch,): how many steps count.
        mask_index: The class of the blank.

    Returns:
        Tensor (batch,). A label that does not fit into its steps costs 1e5, without a gradient.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> loss = lamina.ops.ctc_loss([[1, 1]], lamina.ops.zeros((1, 3, 2)), [2], [3])
        >>> round(float(loss[0]), 4)
        2.0794

    Reference:
        Graves et al., 2006: Connectionist Temporal Classification
    """
    _check("ctc_loss", output, {"target_length": target_length, "output_length": output_length})
    if len(target.shape) != 2 or not _alike(target.shape[0], output.shape[0]):
        raise ValueError(
            f"ctc_loss: `target` must have shape (batch, max_length) for `output` {shown(output.shape)}, got "
            f"{shown(target.shape)}."
        )
    batch, steps = output.shape[:2]
    log_p = log_softmax.op.body(k, _wide(k, output), -1)
    dtype = k.dtype(log_p)
    # states: blank, label 0, blank, label 1, ..., blank
    target = k.astype(target, "int32")
    blanks = k.full((batch, target.shape[1]), mask_index, "int32")
    pairs = k.reshape(k.stack([blanks, target], 2), (batch, 2 * target.shape[1]))
    states = k.concat([pairs, k.full((batch, 1), mask_index, "int32")], 1)
    # a blank may be left out between two labels that differ
    different = k.not_equal(states[:, 2:], states[:, :-2])
    skips = k.logical_and(different, k.not_equal(states[:, 2:], k.full((), mask_index, "int32")))
    lengths = k.astype(output_length, "int32")

    def step(alpha: Any, x: tuple[Any, Any]) -> tuple[Any, Any]:
        log_p_now, t = x
        never = k.full((batch, 2), _NEVER, dtype)
        one_back = k.concat([never[:, :1], alpha[:, :-1]], 1)
        two_back = k.concat([never, k.where(skips, alpha[:, :-2], _NEVER)], 1)
        arriving = k.logaddexp(k.logaddexp(alpha, one_back), two_back)
        running = k.expand_dims(t < lengths, 1)
        return k.where(running, arriving + k.take_along_axis(log_p_now, states, 1), alpha), k.full((), 0, "int32")

    alpha = k.broadcast_to(_only_first(k, states.shape[1], dtype), (batch, states.shape[1]))
    alpha, _ = k.scan(step, alpha, (k.permute_dims(log_p, (1, 0, 2)), k.arange(0, steps, 1, "int32")), steps, False, 1)
    # it ends at the last label, or at the blank behind it
    last = k.expand_dims(2 * k.astype(target_length, "int32"), 1)
    behind = k.take_along_axis(alpha, last, 1)
    at_label = k.take_along_axis(alpha, k.maximum(last - 1, 0), 1)
    total = k.squeeze(k.logaddexp(behind, k.where(last > 0, at_label, _NEVER)), 1)
    fits = total > _NEVER / 2
    return k.astype(k.where(fits, -k.where(fits, total, 0.0), _IMPOSSIBLE), dtypes.to_float(k.dtype(output)))


def _only_first(k: Any, size: Any, dtype: str) -> Any:
    """Logarithms (1, size) of a distribution that is certain of the first place."""
    place = k.expand_dims(k.arange(0, size, 1, "int32"), 0)
    return k.where(place > 0, _NEVER, k.full((), 0.0, dtype))


def _alike(n: Any, m: Any) -> bool:
    return n == m or Unknown in (type(n), type(m))


def _check(op: str, output: Any, lengths: dict[str, Any]) -> None:
    if len(output.shape) != 3:
        raise ValueError(f"{op}: the logits must have shape (batch, steps, classes), got {shown(output.shape)}.")
    for name, length in lengths.items():
        if len(length.shape) != 1 or not _alike(length.shape[0], output.shape[0]):
            raise ValueError(
                f"{op}: `{name}` must have shape (batch,) for logits {shown(output.shape)}, got {shown(length.shape)}."
            )


@op(module="nn", class_name="CTCDecode")
def ctc_decode(
    k,
    inputs: Tensor,
    sequence_lengths: Tensor,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int | None = 0,
) -> tuple[Tensor, Tensor]:
    """The most probable label sequences of an output.

    Args:
        inputs: Tensor (batch, steps, classes): logits.
        sequence_lengths: Integer tensor (batch,): how many steps count.
        strategy: "greedy" (the best class of each step) or "beam_search" (prefixes, summed over their alignments).
        beam_width: How many prefixes are kept; for beam search.
        top_paths: How many sequences are wanted; for beam search.
        merge_repeated: Whether equal neighbors are one label; for the greedy strategy.
        mask_index: The class of the blank; None means the last class.

    Returns:
        Integer tensor (paths, batch, steps), filled up with -1; and scores (batch, paths): the
        logarithms of the probabilities, or with the greedy strategy the negated sum of the largest logits.

    Raises:
        ValueError: if the strategy is unknown, the shapes do not fit, or more paths than beams are wanted.

    Example:
        >>> import lamina
        >>> logits = [[[0.0, 9.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]]]
        >>> paths, _ = lamina.ops.ctc_decode(logits, [3])
        >>> lamina.ops.convert_to_numpy(paths).tolist()
        [[[1, 2, -1]]]

    Reference:
        Graves et al., 2006; Hannun et al., 2014: First-Pass Large Vocabulary Continuous Speech Recognition
    """
    _check("ctc_decode", inputs, {"sequence_lengths": sequence_lengths})
    one_of("ctc_decode", "strategy", strategy, ("greedy", "beam_search"))
    lengths = k.astype(sequence_lengths, "int32")
    blank = inputs.shape[-1] - 1 if mask_index is None else mask_index
    if strategy == "greedy":
        paths, scores = _best_classes(k, _wide(k, inputs), lengths, blank, merge_repeated)
    else:
        at_least("ctc_decode", "top_paths", top_paths, 1)
        if at_least("ctc_decode", "beam_width", beam_width, 1) < top_paths:
            raise ValueError(f"ctc_decode: {top_paths} top_paths need a `beam_width` of as many, got {beam_width}.")
        log_p = log_softmax.op.body(k, _wide(k, inputs), -1)
        paths, scores = _best_prefixes(k, log_p, lengths, blank, beam_width, top_paths)
    return paths, k.astype(scores, dtypes.to_float(k.dtype(inputs)))


def _best_classes(k: Any, logits: Any, lengths: Any, blank: int, merge: bool) -> tuple[Any, Any]:
    batch, steps = logits.shape[:2]
    best = k.argmax(logits, -1)
    place = k.arange(0, steps, 1, "int32")
    running = k.expand_dims(place, 0) < k.expand_dims(lengths, 1)
    kept = k.logical_and(running, k.not_equal(best, k.full((), blank, "int32")))
    if merge:
        before = k.concat([k.full((batch, 1), -1, "int32"), best[:, :-1]], 1)
        kept = k.logical_and(kept, k.not_equal(best, before))
    order = k.argsort(k.astype(k.logical_not(kept), "int32"), 1)  # stable: what is kept comes first, in its order
    number = k.sum(k.astype(kept, "int32"), 1, True)
    path = k.where(k.expand_dims(place, 0) < number, k.take_along_axis(best, order, 1), -1)
    return k.expand_dims(path, 0), -k.sum(k.where(running, k.max(logits, -1), 0.0), 1, True)


def _best_prefixes(k: Any, log_p: Any, lengths: Any, blank: int, width: int, wanted: int) -> tuple[Any, Any]:
    """Beam search over prefixes: each has the probability of ending in a blank, and in its last label."""
    batch, steps, classes = log_p.shape
    dtype = k.dtype(log_p)
    place = k.arange(0, steps, 1, "int32")
    every = k.arange(0, classes, 1, "int32")
    is_blank = every == k.full((), blank, "int32")

    def of_beams(x: Any, beam: Any) -> Any:
        return k.take_along_axis(x, beam, 1)

    def grown(paths: Any, size: Any, in_blank: Any, in_label: Any, now: Any) -> tuple[Any, ...]:
        """The beams after a step with log probabilities `now` (batch, classes)."""
        total = k.logaddexp(in_blank, in_label)
        last = k.sum(k.where(k.expand_dims(size - 1, 2) == place, paths, 0), 2)
        last = k.where(size > 0, last, -1)
        # as it is: another blank, or the last label again
        stay_blank = total + now[:, blank : blank + 1]
        stay_label = k.where(last >= 0, in_label + k.take_along_axis(now, k.maximum(last, 0), 1), _NEVER)
        # one label more; the same label again only behind a blank
        again = k.expand_dims(last, 2) == every
        more = k.where(again, k.expand_dims(in_blank, 2), k.expand_dims(total, 2)) + k.expand_dims(now, 1)
        more = k.where(is_blank, _NEVER, more)
        # where that is a prefix which is there already, the two are one
        shorter = k.where(k.expand_dims(size - 1, 2) == place, -1, paths)
        same = k.all(k.expand_dims(shorter, 2) == k.expand_dims(paths, 1), 3)
        child = k.logical_and(same, k.expand_dims(size, 2) == k.expand_dims(size, 1) + 1)
        child = k.logical_and(child, k.expand_dims(total > _NEVER / 2, 2))
        by_label = k.take_along_axis(more, k.expand_dims(k.maximum(last, 0), 1), 2)  # (batch, parent, child)
        arriving = k.where(k.permute_dims(child, (0, 2, 1)), by_label, _NEVER)
        stay_label = k.logaddexp(stay_label, k.logsumexp(arriving, 1))
        moved = k.matmul(k.astype(k.permute_dims(child, (0, 2, 1)), dtype), k.astype(again, dtype)) > 0.5
        more = k.reshape(k.where(moved, _NEVER, more), (batch, width * classes))
        # the best of all
        score, pick = k.top_k(k.concat([k.logaddexp(stay_blank, stay_label), more], 1), width, True)
        stays = pick < width
        extended = k.maximum(pick - width, 0)
        beam = k.where(stays, k.minimum(pick, width - 1), k.floor_divide(extended, k.full((), classes, "int32")))
        label = k.remainder(extended, k.full((), classes, "int32"))
        new_size = of_beams(size, beam)
        at_end = k.logical_and(k.expand_dims(new_size, 2) == place, k.logical_not(k.expand_dims(stays, 2)))
        new_paths = k.where(at_end, k.expand_dims(label, 2), of_beams(paths, k.expand_dims(beam, 2)))
        return (
            new_paths,
            new_size + k.astype(k.logical_not(stays), "int32"),
            k.where(stays, of_beams(stay_blank, beam), _NEVER),
            k.where(stays, of_beams(stay_label, beam), score),
        )

    def step(state: tuple[Any, ...], x: tuple[Any, Any]) -> tuple[Any, Any]:
        now, t = x
        running = t < lengths
        after = grown(*state, now)
        chosen = [
            k.where(k.reshape(running, (batch, *[1] * (len(old.shape) - 1))), new, old)
            for new, old in zip(after, state, strict=True)
        ]
        return tuple(chosen), k.full((), 0, "int32")

    start = (
        k.full((batch, width, steps), -1, "int32"),
        k.full((batch, width), 0, "int32"),
        k.broadcast_to(_only_first(k, width, dtype), (batch, width)),
        k.full((batch, width), _NEVER, dtype),
    )
    (paths, _, in_blank, in_label), _ = k.scan(step, start, (k.permute_dims(log_p, (1, 0, 2)), place), steps, False, 1)
    score = k.logaddexp(in_blank, in_label)[:, :wanted]
    found = score > _NEVER / 2  # fewer prefixes than beams: the rest is empty
    paths = k.where(k.expand_dims(found, 2), paths[:, :wanted], -1)
    return k.permute_dims(paths, (1, 0, 2)), k.where(found, score, float("-inf"))
