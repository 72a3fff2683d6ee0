"""Weights of timm and torchvision: from their names and layouts to ours.

A table for each family says which module of theirs is which layer of ours; the class of the layer says how its
tensors lie. What those libraries compute differently (paddings, strides, epsilons) is set in a copy of the model.
"""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np

from lamina import layers
from lamina.applications.convnext import LayerScale
from lamina.applications.imagenet import DEVIATION, MEAN
from lamina.applications.timm_names import FAMILIES, Family
from lamina.backends.files import tensors_in
from lamina.errors import SerializationError
from lamina.models.cloning import clone_model
from lamina.models.functional import Functional

PARAMETERS = ("weight", "bias", "running_mean", "running_var")
EPSILON, MOMENTUM = 1e-5, 0.9  # of their batch normalization

# Which variable a parameter is, and how its axes are put in our order.
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
_KERNEL = {"weight": "kernel", "bias": "bias"}
_CONV, _DEPTHWISE = (2, 3, 1, 0), (2, 3, 0, 1)


def load_timm(
    model: Functional, file: str | os.PathLike, *, tf_weights: bool = False, epsilon: float | None = None
) -> Functional:
    """A model with the weights of a network of timm or torchvision.

    For ResNet, ConvNeXt, EfficientNet, EfficientNetV2, MobileNetV3 and VGG. The result computes what theirs computes: where they pad
    or stride in another way, its graph does, too. A model that scales its images scales them as theirs are scaled.

    Args:
        model: The application of the same architecture, with or without classifier.
        file: A state dict: a `.safetensors` file, or one that `torch.save` wrote (read without running its code).
        tf_weights: Whether the network was ported from TensorFlow (its name in timm begins with "tf_"): its paddings
            and epsilons are those of Keras.
        epsilon: Of batch normalization, where it is another than 1e-5 (with `tf_weights`: 1e-3). The file does not
            say it; torchvision's MobileNetV3 has 1e-3.

    Returns:
        A copy of the model with these weights. `model` itself is left as it is.

    Raises:
        ValueError: if the model is of another family.
        SerializationError: if names or shapes do not fit (all differences are listed).

    Example:
        >>> import lamina, safetensors.numpy
        >>> net = lamina.applications.VGG16(weights=None, include_top=False)
        >>> kernels = [w for w in net.weights if "kernel" in w.path]
        >>> places = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
        >>> state = {f"features.{i}.weight": np.ascontiguousarray(np.transpose(w.numpy(), (3, 2, 0, 1)))
        ...          for i, w in zip(places, kernels)}
        >>> state |= {f"features.{i}.bias": np.ones(w.shape[-1], "float32") for i, w in zip(places, kernels)}
        >>> safetensors.numpy.save_file(state, "vgg.safetensors")
        >>> lamina.applications.load_timm(net, "vgg.safetensors").weights[1].numpy()[0].item()
        1.0
    """
    family = _family(model)
    tensors = {k: v for k, v in _read(file).items() if not k.endswith("num_batches_tracked")}
    if epsilon is None:
        epsilon = 1e-3 if tf_weights else EPSILON
    out = _redrawn(model, family, tf_weights, epsilon)
    _assign(out, family, tensors, os.path.basename(os.fspath(file)))
    return out


def _family(model: Any) -> Family:
    names = [layer.name for layer in getattr(model, "layers", ())]
    for family in FAMILIES:
        if any(family.mark.search(name) for name in names):
            return family
    raise ValueError(
        f"load_timm is for {', '.join(f.name for f in FAMILIES)}; model {getattr(model, 'name', model)!r} is none of them."
    )


def _read(file: str | os.PathLike) -> dict[str, np.ndarray]:
    if not os.path.isfile(file):
        raise FileNotFoundError(f"There is no file {os.fspath(file)}.")
    if not os.fspath(file).endswith(".safetensors"):
        return tensors_in(file)
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(file)
    except SafetensorError as error:
        raise SerializationError(f"{os.fspath(file)}: not a readable safetensors file ({error}).") from None


# -- what they compute differently --------------------------------------------------------------------------------------


def _redrawn(model: Functional, family: Family, tf_weights: bool, epsilon: float) -> Functional:
    """The graph again, with their epsilons, and with their paddings and strides unless they are ours."""
    pads = {} if tf_weights else _paddings(model, family)

    def make(layer: Any) -> Any:
        config = layer.get_config()
        if isinstance(layer, layers.BatchNormalization):
            config |= {"epsilon": epsilon, "momentum": MOMENTUM}
        alone = not any(isinstance(other, layers.Normalization) for other in model.layers)
        if family.standardized and alone and isinstance(layer, layers.Rescaling) and not tf_weights:
            # to the mean and deviation of ImageNet instead of to -1 and 1
            config |= {
                "scale": [1 / (255 * s) for s in DEVIATION],
                "offset": [-m / s for m, s in zip(MEAN, DEVIATION, strict=True)],
            }
        if not tf_weights and (strides := family.stride_of(layer.name)) is not None:
            config["strides"] = (strides, strides)
        if layer.name in pads:
            config |= (
                {"padding": pads[layer.name]}
                if isinstance(layer, layers.ZeroPadding2D)
                else {"padding": "valid"}
            )
        return type(layer).from_config(config)

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if layer.name in pads and not isinstance(layer, layers.ZeroPadding2D):
            return layer(layers.ZeroPadding2D(pads[layer.name], name=f"{layer.name}_pad")(*args), **kwargs)
        return layer(*args, **kwargs)

    return clone_model(model, clone_function=make, call_function=call)


def _paddings(model: Functional, family: Family) -> dict[str, Any]:
    """Layer -> padding, where "same" with strides pads only below and to the right, and theirs all around."""
    found: dict[str, Any] = {}
    for layer in model.layers:
        if not isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D):
            continue
        strides = family.stride_of(layer.name) or max(layer.strides)
        if strides == 1 or max(layer.kernel_size) == 1:
            continue
        around = tuple((n // 2, n // 2) for n in layer.kernel_size)
        ahead = f"{layer.name}_pad"
        if any(other.name == ahead for other in model.layers):
            found[ahead] = around
        elif layer.padding == "same":
            found[layer.name] = around
    return found


# -- tensors ------------------------------------------------------------------------------------------------------------


def _assign(model: Functional, family: Family, tensors: dict[str, np.ndarray], label: str) -> None:
    """Compare everything, then fill the weights."""
    known = {layer.name: layer for layer in _all_layers(model)}
    prefix = family.prefix(known)
    values: dict[int, tuple[Any, np.ndarray]] = {}
    problems = []
    for key, tensor in family.named(tensors).items():
        module, _, parameter = key.rpartition(".")
        if parameter not in PARAMETERS:
            module, parameter = key, "weight"
        name = _present(family, family.layer_of(module, prefix), known)
        if name is None:
            problems.append(f"+ unexpected  {key} {tensor.shape}")
        elif name in known:
            variable, value = _placed(known[name], parameter, tensor)
            if variable is None or value.shape != tuple(variable.shape):
                wanted = "nothing" if variable is None else f"{variable.path} {tuple(variable.shape)}"
                problems.append(f"! other shape {key} {tensor.shape}: the model wants {wanted}")
            else:
                values[id(variable)] = (variable, value)
        elif not family.is_head(module):
            problems.append(f"+ unexpected  {key} {tensor.shape}: the model has no layer {name!r}")
    for layer in known.values():
        for v in () if isinstance(layer, Functional | layers.Normalization) else layer.weights:
            if id(v) not in values and v.path.endswith("/bias"):
                values[id(v)] = (v, np.zeros(tuple(v.shape)))  # theirs has none, a normalization follows
            elif id(v) not in values:
                problems.append(f"- missing     {v.path} {tuple(v.shape)}")
    if problems:
        more = f"\n  ... and {len(problems) - 40} more" if len(problems) > 40 else ""
        raise SerializationError(
            f"{label}: The file does not fit {family.name} model {model.name!r}:\n  "
            + "\n  ".join(problems[:40])
            + more
        )
    for v, value in values.values():
        v.assign(value)
    _standardize(model)


def _present(family: Family, name: str | None, known: dict[str, Any]) -> str | None:
    """The layer's name, as it is in a model without classifier."""
    if (
        name is None
        or name in known
        or family.without_head is None
        or not name.endswith(family.without_head[0])
    ):
        return name
    return next((other for other in known if re.fullmatch(family.without_head[1], other)), name)


def _all_layers(model: Any) -> list[Any]:
    """The layers of the model and of those inside it."""
    found = []
    for layer in model.layers:
        found += _all_layers(layer) if hasattr(layer, "layers") else [layer]
    return found


def _standardize(model: Functional) -> None:
    """Give a Normalization layer with weights the mean and variance of ImageNet."""
    for layer in model.layers:
        if isinstance(layer, layers.Normalization):
            for v in layer.weights:
                if v.name in ("mean", "variance"):
                    v.assign(
                        np.asarray(MEAN if v.name == "mean" else DEVIATION) ** (1 if v.name == "mean" else 2)
                    )


def _placed(layer: Any, parameter: str, tensor: np.ndarray) -> tuple[Any, np.ndarray]:
    """The variable of a layer that a parameter is, and the tensor in its layout."""
    if isinstance(layer, LayerScale):
        return layer.gamma, tensor.reshape(-1)
    if isinstance(layer, layers.BatchNormalization | layers.LayerNormalization):
        return getattr(layer, _NORM[parameter], None), tensor
    variable = getattr(layer, _KERNEL.get(parameter, ""), None)
    if parameter != "weight" or variable is None:
        return variable, tensor
    if isinstance(layer, layers.DepthwiseConv2D):
        return variable, np.transpose(tensor, _DEPTHWISE)
    if isinstance(layer, layers.Conv2D):
        return variable, np.transpose(tensor[:, :, None, None] if tensor.ndim == 2 else tensor, _CONV)
    if tensor.ndim == 4:  # a dense layer on flattened images, written as a convolution of their size
        tensor = np.transpose(tensor, _CONV)
        return variable, tensor.reshape(-1, tensor.shape[-1])
    return variable, np.transpose(tensor)
