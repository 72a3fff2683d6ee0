"""Where counts go: one place for each layer path, and the life of every tensor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

PRODUCTS = (
    "matmul",
    "conv",
)  # the kinds that are multiply-adds; "padding" are those of conv that multiply padding
SINGLE = ("pool", "reduction", "elementwise")  # one operation for each element


class Place:
    """What one layer costs, without what it calls.

    Attributes:
        forward, backward: Kind -> count. The kinds are "matmul", "conv", "padding" (the multiply-adds of convolutions
            whose tap lies on padding, or whose product is cropped), "pool", "reduction", "elementwise".
        kept: Bytes of the tensors that the gradient reads again.
    """

    def __init__(self) -> None:
        self.forward: Counter[str] = Counter()
        self.backward: Counter[str] = Counter()
        self.kept = 0

    def __iadd__(self, other: Place) -> Place:
        self.forward.update(other.forward)
        self.backward.update(other.backward)
        self.kept += other.kept
        return self

    def multiply_adds(self, backward: bool = False, padding_taps: bool = True) -> int:
        """The multiply-adds of one direction. With `padding_taps`, as published counts have it, taps on padding count."""
        counts = self.backward if backward else self.forward
        return sum(counts[kind] for kind in PRODUCTS) + (counts["padding"] if padding_taps else 0)

    def operations(self, backward: bool = False, padding_taps: bool = True) -> int:
        """All arithmetic: two for a multiply-add, one for each element of anything else."""
        counts = self.backward if backward else self.forward
        return 2 * self.multiply_adds(backward, padding_taps) + sum(counts[kind] for kind in SINGLE)


class Product(NamedTuple):
    """A product with a tensor that was given, as a rule a weight.

    Fields:
        path: The layer.
        weight: The memory of the weight.
        summed: The axes of the weight that are summed over.
        x, out: What it was multiplied with, and what came out: tensors without numbers.
        times: How often it happens.
    """

    path: tuple[str, ...]
    weight: Any
    summed: frozenset[int]
    x: Any
    out: Any
    times: int


class Ledger:
    """The counts of a program by the path of the layer that caused them.

    Attributes:
        places: Path -> Place.
        products: Those with what was given.
        factors: By their ids the given tensors that the gradient multiplies by once more.
        unbounded: Paths with a `while` whose number of rounds is not known: its body is counted once.
    """

    def __init__(self) -> None:
        self.places: dict[tuple[str, ...], Place] = {}
        self.unbounded: set[tuple[str, ...]] = set()
        self.products: list[Product] = []
        self.factors: dict[int, Any] = {}
        self.times = 1
        self._kept: dict[int, Any] = {}  # the buffer stays alive, so that its id is its own
        self._events: list[tuple[list[Any], list[Any], bool]] = []

    def place(self, path: tuple[str, ...]) -> Place:
        found = self.places.get(path)
        if found is None:
            found = self.places[path] = Place()
        return found

    @contextmanager
    def repeated(self, times: int) -> Iterator[None]:
        """A block whose counts are multiplied."""
        before = self.times
        self.times *= int(times)
        try:
            yield
        finally:
            self.times = before

    @contextmanager
    def apart(self) -> Iterator[dict[tuple[str, ...], Place]]:
        """A block whose counts go to a dictionary of their own."""
        before, self.places = self.places, {}
        try:
            yield self.places
        finally:
            self.places = before

    def add(self, places: dict[tuple[str, ...], Place]) -> None:
        for path, counts in places.items():
            place = self.place(path)
            place += counts

    def keep(self, path: tuple[str, ...], buffers: list[Any]) -> None:
        """The gradient reads these: each is counted once, where it was first wanted."""
        for buffer in buffers:
            if not buffer.given and id(buffer) not in self._kept:
                self._kept[id(buffer)] = buffer
                self.place(path).kept += buffer.size // buffer.shared * self.times

    def happened(self, read: list[Any], made: list[Any], in_place: bool = False) -> None:
        """Tensors were read and others made; `in_place` where the result may lie where an operand was."""
        self._events.append((read, made, in_place))

    def peak(self, results: list[Any]) -> int:
        """The most bytes that live at once in a forward pass, with its results, without variables and inputs.

        A tensor lives until it is last read; an elementwise function writes where an operand ends that is large enough,
        so a chain of them is one piece of memory. A compiler may need more: copies in another layout, room for loops.
        """
        ends = {id(b): i for i, (read, _, _) in enumerate(self._events) for b in read}
        ends.update({id(b): len(self._events) for b in results})
        memory = self._memory(ends)
        last: dict[int, int] = {}
        for key, i in ends.items():
            place = memory.get(key, key)
            last[place] = max(i, last.get(place, 0))
        ending: dict[int, list[int]] = {}
        live: dict[int, int] = {}
        now = most = 0
        for i, (_, made, _) in enumerate(self._events):
            for buffer in made:
                place = memory.get(id(buffer), id(buffer))
                if buffer.given or place in live or last.get(place, -1) <= i:
                    continue
                live[place] = buffer.size
                ending.setdefault(last[place], []).append(place)
                now += buffer.size
            most = max(most, now)
            now -= sum(live[place] for place in ending.pop(i, ()))
        return most

    def _memory(self, ends: dict[int, int]) -> dict[int, int]:
        """The piece of memory, by the id of the tensor that it was made for, of each result that is written in place."""
        memory: dict[int, int] = {}
        sizes: dict[int, int] = {}
        for i, (read, made, in_place) in enumerate(self._events):
            for buffer in made:
                sizes.setdefault(id(buffer), buffer.size)
            if not in_place:
                continue
            for old in read:
                place = memory.get(id(old), id(old))
                if not old.given and ends[id(old)] == i and id(old) in sizes and sizes[place] >= made[0].size:
                    memory[id(made[0])] = place
                    break
        return memory
