"""The base of all layers at its public place."""

from lamina.core.input_spec import InputSpec as InputSpec
from lamina.core.layer import Layer as Layer
