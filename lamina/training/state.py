"""What a model knows of its training, beside its layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lamina.core.seeds import Stream
from lamina.training.gradient_norms import GradientNorms
from lamina.training.run.cache import ProgramCache
from lamina.training.run.turns import Turns

if TYPE_CHECKING:
    from lamina.metrics import Mean
    from lamina.training.compile.losses import CompileLoss
    from lamina.training.compile.metrics import CompileMetrics


@dataclass(eq=False)
class ModelState:
    """The state of a model that is no layer, no weight and no attribute of the user's.

    Attributes:
        compiled: Whether `compile` was called.
        given: Its arguments.
        losses, metrics: What was made of them for the model's outputs; None until the first batch shows those.
        loss_tracker: The mean of the loss.
        programs: The compiled steps.
        turns: Which thread works with the model's state.
        stream: Where steps draw from that have no seed of their own.
        distribution: How it is spread by a scope of the framework's own in which it was compiled; None without one.
        gradient_norms: What keeps the norms of gradients, once somebody has asked for them.
    """

    compiled: bool = False
    given: dict[str, Any] = field(default_factory=dict)
    losses: CompileLoss | None = None
    metrics: CompileMetrics | None = None
    loss_tracker: Mean | None = None
    programs: ProgramCache = field(default_factory=ProgramCache)
    turns: Turns = field(default_factory=Turns)
    stream: Stream = field(default_factory=Stream)
    distribution: Any = None
    gradient_norms: GradientNorms | None = None

    def keep_gradient_norms(self) -> None:
        """Let training steps keep the norms of their gradients from now on."""
        if self.gradient_norms is None:
            self.gradient_norms = GradientNorms()
