"""`keras.engine`: the graph of layers under the names that the first versions gave it."""

from __future__ import annotations

from lamina.core.graph import Container as Container
from lamina.core.graph import Graph as Graph
from lamina.core.input_spec import InputSpec as InputSpec
from lamina.core.layer import Layer as Layer
from lamina.core.operation import Node as Node
from lamina.core.operation import Operation as Operation
from lamina.core.tensor import KerasTensor as KerasTensor
from lamina.layers import Input as Input
from lamina.layers import InputLayer as InputLayer
from lamina.legacy.layers import Merge as Merge
from lamina.legacy.layers import merge as merge
from lamina.models import Functional as Functional
from lamina.models import Model as Model
from lamina.models import Sequential as Sequential
from lamina.utils import get_source_inputs as get_source_inputs

Network = Functional  # the name of Keras 2.1 to 2.3 for what Keras 1 called Container

__all__ = [
    "Container", "Functional", "Graph", "Input", "InputLayer", "InputSpec", "KerasTensor", "Layer", "Merge", "Model",
    "Network", "Node", "Operation", "Sequential", "get_source_inputs", "merge",
]  # fmt: skip
