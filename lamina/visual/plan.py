"""What training under a distribution will take of each device, in closed form: memory, and bytes between devices."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from lamina.core.tracking import owned
from lamina.core.variable import Variable
from lamina.kernel.context import distributed
from lamina.kernel.cost.tensor import width
from lamina.kernel.dtypes import IS_FLOAT
from lamina.kernel.trees import leaves
from lamina.layers import BatchNormalization
from lamina.visual.cost import counted

# what each of p devices sends, in parts of the bytes of the whole tensor
SENT = {
    "all-reduce": lambda p: 2 * (p - 1) / p,
    "all-gather": lambda p: (p - 1) / p,
    "reduce-scatter": lambda p: (p - 1) / p,
}


class Collective(NamedTuple):
    """What devices exchange in one step of training.

    Fields:
        kind: "all-reduce", "all-gather" or "reduce-scatter".
        what: What is exchanged.
        devices: How many take part together.
        size: Bytes of the whole.
    """

    kind: str
    what: str
    devices: int
    size: int

    @property
    def sent(self) -> float:
        """Bytes that each device sends."""
        return SENT[self.kind](self.devices) * self.size


class Plan:
    """What one step of training takes under a distribution: what `model.plan` gives.

    Args:
        model: A built model; its optimizer counts if it is compiled.
        distribution: A `lamina.distribution.Distribution`; its devices need not exist.
        batch: Rows of a batch, over all devices.
        inputs: As for `lamina.visual.cost`, for models without a graph.

    Attributes:
        devices: How many there are.
        rows: Rows of a batch on each device.
        weights, gradients, optimizer: Bytes of them on each device.
        gathered: Bytes of whole weights that each device holds at once, of those that are divided and gathered.
        activations: Bytes that the gradient reads again, with the batch itself; under `ModelParallel` what follows a layer with
            divided units is divided like them.
        collectives: A list of `Collective`. Metrics are left out, which are a few numbers each, and so are layers of one's own
            that reduce over the batch.
        multiply_adds: Of the forward pass and the gradient, of all devices.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((256,)), lamina.layers.Dense(1024)])
        >>> parallel = lamina.distribution.DataParallel(devices=[f"tpu:{i}" for i in range(8)])
        >>> plan = model.plan(parallel, batch=64)
        >>> plan.rows, plan.weights, [c.kind for c in plan.collectives], int(plan.sent)
        (8, 1052672, ['all-reduce', 'all-reduce'], 1842183)
    """

    def __init__(self, model: Any, distribution: Any, batch: int, inputs: Any = None) -> None:
        if not isinstance(batch, int) or batch < 1:
            raise ValueError(f"plan: `batch` must be a number of rows, got {batch!r}.")
        self.model, self.distribution, self.batch = model, distribution, batch
        mesh, parts = distribution.device_mesh, distribution.num_model_replicas
        self.devices = math.prod(mesh.shape)
        self.rows = batch // math.gcd(batch, parts)
        self._replicas = math.gcd(batch, parts)
        self._owners = {id(v): layer for layer in model._flatten_layers() for v in owned(layer, "variable")}
        count = self._count = counted(model, self.rows, inputs, {"training": True}, parts=self._shared_parts)
        self.activations = count.kept + self._input_bytes()
        self.multiply_adds = (count.multiply_adds + count.backward_multiply_adds) * self._replicas
        self.weights = sum(map(self._part, model.variables))
        self.gradients = sum(map(self._part, model.trainable_variables))
        self.optimizer = sum(map(self._part, self._state()))
        self.gathered = self._most_gathered()
        self._summed_by_layers = [
            x for x in model._flatten_layers() if isinstance(x, BatchNormalization) and x.trainable
        ]
        self.collectives = [*self._of_gradients(), *self._of_moments(), *self._of_products()]

    @property
    def memory(self) -> int:
        """Bytes on each device, of all that is counted."""
        return self.weights + self.gradients + self.optimizer + self.gathered + self.activations

    @property
    def sent(self) -> float:
        """Bytes that each device sends in one step."""
        return sum(one.sent for one in self.collectives)

    def efficiency(self, flops: float, bandwidth: float, hidden: float = 0.0) -> float:
        """The part of a step's time that devices compute, by a model of two numbers.

        `compute / (compute + (1 - hidden) sent / bandwidth)`, with two operations for a multiply-add.

        Args:
            flops: Operations that a device makes in a second.
            bandwidth: Bytes that it sends in a second.
            hidden: The part of the exchange that happens while devices compute, from 0 to 1.
        """
        compute = 2 * self.multiply_adds / self.devices / flops
        return compute / (compute + (1 - hidden) * self.sent / bandwidth)

    # -- memory ----------------------------------------------------------------------------------------------------------

    def _layout(self, variable: Variable) -> Any:
        follows = variable._follows
        same = follows is not None and follows.shape == variable.shape
        found = self.distribution.get_variable_layout(follows if same and follows is not None else variable)
        return found.placement(variable.shape, f"Variable {variable.path!r}")

    def _shared_parts(self, variable: Variable) -> tuple[int, ...]:
        placement = self._layout(variable)
        return () if placement.gathered else placement.parts

    def _part(self, variable: Variable) -> int:
        return math.prod(self._layout(variable).part_of(variable.shape)) * width(variable.dtype)

    def _state(self) -> list[Variable]:
        """The variables of an optimizer like the model's, which are made and not drawn."""
        optimizer = self.model.optimizer
        if optimizer is None:
            return []
        with distributed(None):
            own = type(optimizer).from_config(optimizer.get_config())
            own.build(self.model.trainable_variables)
        return own.variables

    def _input_bytes(self) -> int:
        total = 0
        for x in leaves(getattr(self.model, "inputs", None) or []):
            sizes = [self.rows if i == 0 and n is None else n for i, n in enumerate(x.shape)]
            total += math.prod(sizes) * width(x.dtype)
        return total

    def _gathered(self) -> list[Variable]:
        return [v for v in self.model.variables if self._layout(v).gathered]

    def _most_gathered(self) -> int:
        """Of one layer after the other; of all of them if they are kept for the gradient."""
        found = self._gathered()
        if not self.distribution.gathers_again:
            return sum(map(_bytes, found))
        wanted = {id(v) for v in found}
        layers = [
            [v for v in owned(layer, "variable") if id(v) in wanted] for layer in self.model._flatten_layers()
        ]
        return max((sum(map(_bytes, own)) for own in layers), default=0)

    # -- what is exchanged -----------------------------------------------------------------------------------------------

    def _of_gradients(self) -> list[Collective]:
        gathered = {id(v) for v in self._gathered()}
        p, found = self._replicas, []
        if p == 1 and not gathered:
            return []
        parts = self.distribution.num_model_replicas
        sums = {id(v) for layer in self._summed_by_layers for v in (layer.gamma, layer.beta)}
        trained = [v for v in self.model.trainable_variables if id(v) not in sums]
        weights = sum(self._read(v) for v in self.model.variables if id(v) in gathered)
        again = sum(self._read(v) for v in self._count.factors if id(v) in gathered)
        divided = sum(_bytes(v) for v in trained if id(v) in gathered)
        whole = sum(self._part(v) for v in trained if id(v) not in gathered)
        if weights:
            found.append(Collective("all-gather", "weights, where layers read them", parts, weights))
        if again and self.distribution.gathers_again:
            found.append(Collective("all-gather", "factors once more, for the gradient", parts, again))
        if divided:
            found.append(Collective("reduce-scatter", "gradients of divided weights", parts, divided))
        if whole and p > 1:
            found.append(Collective("all-reduce", "gradients", p, whole))
        if p > 1:
            found.append(Collective("all-reduce", "the loss", p, 4))
        return found

    def _read(self, variable: Variable) -> int:
        """Bytes of a weight as layers read it: in their compute dtype."""
        owner = self._owners.get(id(variable))
        dtype = variable.dtype
        if owner is not None and variable._autocast and dtype in IS_FLOAT:
            dtype = owner.compute_dtype or dtype
        return math.prod(variable.shape) * width(dtype)

    def _of_moments(self) -> list[Collective]:
        """Of BatchNormalization: mean and variance of the whole batch, and the two sums that their gradient takes.

        The gradients of gamma and beta are made of the latter.
        """
        found, p = [], self._replicas
        for layer in self._summed_by_layers if p > 1 else []:
            trained = sum(v is not None for v in (layer.gamma, layer.beta))
            sums = 2 + (trained if self._is_first(layer) else 2)
            what = f"{layer.name}: {sums} sums of moments and gradients"
            found.append(Collective("all-reduce", what, p, sums * self._held(layer.moving_mean)))
        return found

    def _is_first(self, layer: Any) -> bool:
        """Whether a layer takes nothing but inputs of the model, of which no gradient is wanted."""
        first = {id(x) for x in leaves(getattr(self.model, "inputs", None) or [])}
        nodes = layer._inbound_nodes
        return bool(nodes) and all(id(x) in first for x in leaves(nodes[-1].input_tensors))

    def _held(self, variable: Variable) -> int:
        """Bytes that a device computes with: of a part, but of the whole where it is gathered."""
        return _bytes(variable) if self._layout(variable).gathered else self._part(variable)

    def _of_products(self) -> list[Collective]:
        """Of weights that are divided over the model: sums of partial products, forward or backward."""
        found = []
        for variable, product in self._count.products:
            placement = self._layout(variable)
            if placement.gathered:
                continue
            for axis, parts in enumerate(placement.parts):
                forward = axis in product.summed
                x = product.out if forward else product.x
                if parts > 1 and (forward or x.wanted):
                    what = "partial sums of its output" if forward else "gradient of its input"
                    size = int(x.size) * width(x.dtype) * product.times
                    name = "/".join(product.path[1:]) or variable.path
                    found.append(Collective("all-reduce", f"{name}: {what}", parts, size))
        return found

    # -- to read ---------------------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        mesh = self.distribution.device_mesh
        grid = " x ".join(f"{name} {n}" for name, n in zip(mesh.axis_names, mesh.shape, strict=True))
        title = f"{type(self.distribution).__name__} on {self.devices} devices ({grid}), batches of {self.batch} rows"
        memory = [
            (name, getattr(self, name))
            for name in ("weights", "gradients", "optimizer", "gathered", "activations", "memory")
        ]
        lines = [title, "", "of each device, in memory"]
        lines += [f"  {'total' if name == 'memory' else name:<40}{_size(n):>12}" for name, n in memory]
        lines += ["", "of each device, sent in one step"]
        for one in self.collectives:
            label = f"{one.kind} over {one.devices}: {one.what}"
            lines.append(f"  {label:<60}{_size(one.sent):>12}")
        lines.append(f"  {'total':<60}{_size(self.sent):>12}")
        return "\n".join(lines)

    __repr__ = __str__


def _bytes(variable: Variable) -> int:
    return math.prod(variable.shape) * width(variable.dtype)


def _size(count: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}" if unit != "B" else f"{int(count)} B"
        count /= 1000
    return f"{count:.4g} TB"
