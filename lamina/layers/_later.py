"""Arguments that Keras has and Lamina does not honour yet: they raise, they are never ignored."""

from __future__ import annotations

from typing import Any

from lamina.core.layer import Layer

_NAMES = ("lora_rank", "lora_alpha", "quantization_config", "gptq_unpacked_column_size")


def not_yet(layer: Layer, **given: Any) -> None:
    """That none of these arguments was given.

    Raises:
        NotImplementedError: naming the one that was.
    """
    for name, value in given.items():
        if value is not None and value is not False:
            raise NotImplementedError(
                f"{type(layer).__name__}: `{name}` is not supported yet, got {value!r}. Leave it out."
            )


class Lora:
    """The method by which Keras adapts a kernel."""

    def enable_lora(self, rank: int, **kwargs: Any) -> None:
        """Low-rank adaptation is not there yet.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(f"{type(self).__name__}: low-rank adaptation (LoRA) is not supported yet.")


class Adaptable(Lora, Layer):
    """A layer whose kernel Keras can adapt (LoRA) and quantize."""

    quantization_config: Any = None

    @property
    def variable_serialization_spec(self) -> dict[Any, list[str]]:
        """Quantization mode -> the names of the variables in files. There is one mode yet: None."""
        return {None: [v.name for v in self._own_weights()]}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; those of adaptation only where files hold them."""
        config = super().get_config()
        return {k: v for k, v in config.items() if k not in _NAMES or k == "quantization_config"}
