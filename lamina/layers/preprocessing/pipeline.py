"""Pipeline: layers in a row, beside a model."""

from __future__ import annotations

from typing import Any

from lamina.core.codec import serialize
from lamina.core.layer import Layer
from lamina.layers.augmentation.fused import fused
from lamina.layers.preprocessing.base import Preprocessing


class Pipeline(Preprocessing):
    """Layers one after the other, to prepare data, as in `tf.data.map` or a loader's workers.

    Unlike a Sequential it is no model: it is not compiled or trained, and anything that its first layer takes can be
    passed, strings among them.

    Args:
        layers: The layers.
        name: A name.
        fuse: Whether consecutive layers that turn, zoom, move, shear or mirror images see them through one map: quicker,
            and sharper, because pixels are interpolated once. Each draws as it does alone, but what lies outside is
            filled once for all of them, and boxes are enclosed once, so results differ near borders. Layers that fill or
            interpolate in different ways stay apart.

    Returns:
        What the last layer gives.

    Raises:
        TypeError: if one of them is no layer.

    Example:
        >>> layer = lamina.layers.Pipeline([lamina.layers.Rescaling(2.0), lamina.layers.Rescaling(1.0, offset=1.0)])
        >>> lamina.ops.convert_to_numpy(layer(np.array([1.0, 2.0]))).tolist()
        [3.0, 5.0]
    """

    _convert_input_args = False

    def __init__(self, layers: Any, name: str | None = None, fuse: bool = False) -> None:
        super().__init__(name=name)
        layers = [layers] if isinstance(layers, Layer) else list(layers)
        for i, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise TypeError(
                    f"Pipeline: element {i} must be a layer, got {layer!r:.80}. Wrap a function in lamina.layers.Lambda."
                )
        self._pipeline_layers, self.fuse = layers, bool(fuse)
        self.__dict__["_steps"] = fused(layers) if fuse else layers  # not tracked: the layers are

    @property
    def layers(self) -> list[Layer]:
        """The layers in their order."""
        return list(self._pipeline_layers)

    def build(self, input_shape: Any) -> None:
        """Nothing to make: each layer builds itself when it is called."""

    def call(self, inputs: Any, training: bool = True, mask: Any = None) -> Any:
        """Call one layer after the other.

        Args:
            inputs: What the first layer takes.
            training: Passed to the layers that take it; True unless said otherwise, since data is prepared for training.
            mask: Passed to the layers that take it.
        """
        x = inputs
        for layer in self.__dict__["_steps"]:
            plan = type(layer)._plan
            given: dict[str, Any] = {"training": training} if plan.takes_training else {}
            if plan.takes_mask and mask is not None:
                given["mask"] = mask
            x = layer(x, **given)
        return x

    def get_config(self) -> dict[str, Any]:
        """The layers and the name; `fuse` only where it is True, for Keras does not know it."""
        config = {"layers": [serialize(layer) for layer in self._pipeline_layers], "name": self.name}
        return {**config, "fuse": True} if self.fuse else config
