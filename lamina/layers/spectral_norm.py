"""Spectral normalization of another layer's kernel."""

from __future__ import annotations

from typing import Any

from lamina import initializers, ops
from lamina.core.input_spec import InputSpec
from lamina.layers.wrap import Wrapper
from lamina.ops.checks import at_least
from lamina.ops.nn.normalization import normalize


class SpectralNormalization(Wrapper):
    """Divides the kernel of a layer by its largest singular value before each training call.

    `u <- normed(u W^T W)` by power iteration; `W <- W / sigma`, with sigma = `v W u^T`

    Args:
        layer: A layer with a kernel or embeddings.
        power_iterations: How often the estimate is refined at each call.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        What the layer gives.

    Raises:
        ValueError: if `power_iterations` is not positive, or the layer has no kernel.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.SpectralNormalization(lamina.layers.Dense(3))
        >>> layer(lamina.ops.ones((2, 4)), training=True).shape == (2, 3)
        True

    Reference:
        Miyato et al., 2018: Spectral Normalization, https://arxiv.org/abs/1802.05957
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = at_least("SpectralNormalization", "power_iterations", power_iterations, 1)

    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        kernel = getattr(self.layer, "kernel", None)
        kernel = getattr(self.layer, "embeddings", None) if kernel is None else kernel
        if kernel is None:
            raise ValueError(
                f"Layer {self.path!r} (SpectralNormalization): {type(self.layer).__name__} {self.layer.name!r} has "
                "neither a kernel nor embeddings to normalize."
            )
        self.kernel = kernel
        self.vector_u = self.add_weight(
            (1, kernel.shape[-1]), initializers.TruncatedNormal(stddev=0.02), kernel.dtype, name="vector_u",
            trainable=False,
        )  # fmt: skip
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            kernel, u = self.normalized_weights()
            self.kernel.assign(kernel)
            self.vector_u.assign(u)
        return ops.cast(self.layer(inputs), inputs.dtype)

    def normalized_weights(self) -> tuple[Any, Any]:
        """The kernel divided by its largest singular value, and the estimate of its right singular vector.

        Returns:
            Two tensors, of the kernel's shape and (1, its last size).
        """
        kernel = ops.reshape(self.kernel, (-1, self.kernel.shape[-1]))
        u = self.vector_u.value
        for _ in range(self.power_iterations):
            v = normalize(ops.matmul(u, ops.transpose(kernel)))
            u = normalize(ops.matmul(v, kernel))
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        sigma = ops.matmul(ops.matmul(v, kernel), ops.transpose(u))
        return ops.reshape(ops.divide(kernel, sigma), self.kernel.shape), u
