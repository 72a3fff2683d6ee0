"""StackedRNNCells: several cells as one."""

from __future__ import annotations

from typing import Any

from lamina.core.layer import Layer
from lamina.kernel.context import current
from lamina.kernel.trees import leaves


class StackedRNNCells(Layer):
    """Cells on top of each other, each fed with the output of the one below.

    `y_i, s_i' = cell_i(y_{i - 1}, s_i)`, y_0 is the input

    Args:
        cells: A list of cells.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (output of the last cell, list of the states of each) from (input, list of the states of each).

    Raises:
        ValueError: if one of them is no cell.

    Example:
        >>> import lamina
        >>> cell = lamina.layers.StackedRNNCells([lamina.layers.LSTMCell(4), lamina.layers.GRUCell(2)])
        >>> output, states = cell(lamina.ops.ones((2, 3)), cell.get_initial_state(2))
        >>> output.shape == (2, 2), len(states)
        (True, 2)
    """

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            if not callable(getattr(cell, "call", None)) or not hasattr(cell, "state_size"):
                raise ValueError(
                    f"StackedRNNCells: each cell must have `call(inputs, states)` and `state_size`, got {cell!r}."
                )
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """The size or sizes of the states of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """The size of the output: that of the last cell."""
        return _output_size(self.cells[-1])

    def build(self, input_shape: tuple) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
                cell.built = True
            size = _output_size(cell)
            input_shape = (input_shape[0], *(size if isinstance(size, list | tuple) else (size,)))

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """The states before the first step.

        Args:
            batch_size: The number of samples.

        Returns:
            A list with the list of states of each cell.
        """
        return [_initial(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def call(self, inputs: Any, states: Any, training: bool = False, **kwargs: Any) -> tuple[Any, list[Any]]:
        outputs, new, flat = inputs, [], list(leaves(states))
        for cell in self.cells:
            count = len(list(leaves(cell.state_size)))
            own, flat = flat[:count], flat[count:]
            trains = isinstance(cell, Layer) and cell._plan.takes_training
            more = {"training": training, **kwargs} if trains else kwargs
            outputs, own = cell(outputs, own, **more)
            new.append(list(own) if isinstance(own, list | tuple) else [own])
        return outputs, new


def _output_size(cell: Any) -> Any:
    size = getattr(cell, "output_size", None)
    return next(leaves(cell.state_size)) if size is None else size


def _initial(cell: Any, batch_size: Any, dtype: str) -> list[Any]:
    make = getattr(cell, "get_initial_state", None)
    if make is None:
        return [current().zeros((batch_size, n), dtype) for n in leaves(cell.state_size)]
    found = make(batch_size=batch_size)
    return list(found) if isinstance(found, list | tuple) else [found]
