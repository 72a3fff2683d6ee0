"""Which module of timm and torchvision is which layer of ours: a table of patterns for each family."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Rules = tuple[tuple[str, str | Callable[[re.Match], str]], ...]


class Family(NamedTuple):
    """One family of networks."""

    name: str
    mark: re.Pattern  # a layer that only this family has
    rules: Rules  # module of theirs -> layer of ours
    head: str  # the modules of the classifier
    strides: tuple[tuple[str, int], ...] = ()  # layers whose strides differ
    standardized: bool = (
        False  # whether images are brought to the mean and deviation of ImageNet, not to -1 and 1
    )
    rename: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]] | None = (
        None  # what one pattern cannot say
    )
    without_head: tuple[str, str] | None = (
        None  # a layer of the head, and its name where there is no classifier
    )

    def layer_of(self, module: str, prefix: str) -> str | None:
        """The layer that a module is; None if no rule knows it."""
        for pattern, layer in self.rules:
            if (match := re.fullmatch(pattern, module)) is not None:
                name = layer(match) if callable(layer) else match.expand(layer)
                return prefix + name
        return None

    def is_head(self, module: str) -> bool:
        """Whether a module belongs to the classifier, which a model may lack."""
        return re.fullmatch(self.head, module) is not None

    def stride_of(self, layer: str) -> int | None:
        """The strides of a layer where theirs are others."""
        return next((n for pattern, n in self.strides if re.fullmatch(pattern, layer)), None)

    def prefix(self, layers: Any) -> str:
        """What stands before the names in `rules`: the model's name, in families that have it there."""
        found = next((m for name in layers if (m := self.mark.search(name))), None)
        return found["prefix"] if found is not None and "prefix" in self.mark.groupindex else ""

    def named(self, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The tensors by the names that `rules` know."""
        return tensors if self.rename is None else self.rename(tensors)


def _block(text: str, *numbers: int) -> Callable[[re.Match], str]:
    """A layer's name with its numbers counted from another start: `text` with the groups of the match in braces."""
    return lambda m: text.format(
        *(int(g) + n for g, n in zip(m.groups(), numbers, strict=False)), *m.groups()[len(numbers) :]
    )


RESNET: Rules = (
    (r"conv1", "conv1_conv"),
    (r"bn1", "conv1_bn"),
    (r"layer(\d)\.(\d+)\.(conv|bn)(\d)", _block("conv{0}_block{1}_{3}_{2}", 1, 1)),
    (r"layer(\d)\.(\d+)\.downsample\.0", _block("conv{0}_block{1}_0_conv", 1, 1)),
    (r"layer(\d)\.(\d+)\.downsample\.1", _block("conv{0}_block{1}_0_bn", 1, 1)),
    (r"fc", "predictions"),
)

_CONVNEXT_BLOCK = {
    "conv_dw": "depthwise_conv", "norm": "layernorm", "mlp.fc1": "pointwise_conv_1", "mlp.fc2": "pointwise_conv_2",
    "gamma": "layer_scale", "block.0": "depthwise_conv", "block.2": "layernorm", "block.3": "pointwise_conv_1",
    "block.5": "pointwise_conv_2", "layer_scale": "layer_scale",
}  # fmt: skip
CONVNEXT: Rules = (
    (r"stem\.0|features\.0\.0", "_stem_conv"),
    (r"stem\.1|features\.0\.1", "_stem_layernorm"),
    (r"stages\.(\d)\.downsample\.0", _block("_downsampling_layernorm_{0}", -1)),
    (r"stages\.(\d)\.downsample\.1", _block("_downsampling_conv_{0}", -1)),
    (
        r"stages\.(\d)\.blocks\.(\d+)\.(.+)",
        lambda m: f"_stage_{m[1]}_block_{m[2]}_{_CONVNEXT_BLOCK.get(str(m[3]), str(m[3]))}",
    ),
    (r"features\.([246])\.0", lambda m: f"_downsampling_layernorm_{int(m[1]) // 2 - 1}"),
    (r"features\.([246])\.1", lambda m: f"_downsampling_conv_{int(m[1]) // 2 - 1}"),
    (
        r"features\.([1357])\.(\d+)\.(.+)",
        lambda m: f"_stage_{int(m[1]) // 2}_block_{m[2]}_{_CONVNEXT_BLOCK.get(str(m[3]), str(m[3]))}",
    ),
    (r"head\.norm|classifier\.0", "_head_layernorm"),
    (r"head\.fc|classifier\.2", "_head_dense"),
)

# Parts of an inverted residual block: without expansion, and with it.
_PLAIN = {"conv_dw": "dwconv", "bn1": "bn", "conv_pw": "project_conv", "bn2": "project_bn"}
_EXPANDED = {
    "conv_pw": "expand_conv", "bn1": "expand_bn", "conv_dw": "dwconv", "bn2": "bn", "conv_pwl": "project_conv",
    "bn3": "project_bn",
}  # fmt: skip
_EXCITATION = {"se.conv_reduce": "se_reduce", "se.conv_expand": "se_expand"}


# Blocks that convolve once where others have a narrow convolution for each channel: with expansion, and without.
_FUSED = {"conv_exp": "expand_conv", "bn1": "expand_bn", "conv_pwl": "project_conv", "bn2": "project_bn"}
_FUSED_PLAIN = {"conv": "project_conv", "bn1": "project_bn"}


def _efficientnet_block(m: re.Match) -> str:
    return f"block{int(m[1]) + 1}{chr(ord('a') + int(m[2]))}_{m[3]}"


EFFICIENTNET: Rules = (
    (r"conv_stem", "stem_conv"),
    (r"bn1", "stem_bn"),
    (r"blocks\.(\d)\.(\d+)\.(.+)", _efficientnet_block),
    (r"conv_head", "top_conv"),
    (r"bn2", "top_bn"),
    (r"classifier", "predictions"),
)
EFFICIENTNET_V2: Rules = (
    (r"blocks\.(\d)\.(\d+)\.(dwconv)", lambda m: _efficientnet_block(m) + "2"),
    *EFFICIENTNET,
)


def _efficientnet_names(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The parts of blocks by their names here: what `bn1` follows, the other parts of its block say."""
    if any(key.startswith("features.") for key in tensors):
        tensors = _efficientnet_like_timm(tensors)
    held: dict[str, set[str]] = {}
    for key in tensors:
        if m := _TIMM_BLOCK.match(key):
            held.setdefault(m["block"], set()).add(m["part"])
    out = {}
    for key, value in tensors.items():
        if m := _TIMM_BLOCK.match(key):
            names = _kind_of_block(held[m["block"]]) | _EXCITATION
            key = f"{m['block']}.{names.get(m['part'], m['part'])}.{m['parameter']}"
        out[key] = value
    return out


_TIMM_BLOCK = re.compile(r"(?P<block>blocks\.\d\.\d+)\.(?P<part>.+)\.(?P<parameter>[^.]+)")


def _kind_of_block(parts: set[str]) -> dict[str, str]:
    if "conv" in parts:
        return _FUSED_PLAIN
    if "conv_exp" in parts:
        return _FUSED
    return _EXPANDED if "conv_pwl" in parts else _PLAIN


def _efficientnet_like_timm(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """torchvision's EfficientNets in the words of timm. Their parts are numbered; fused blocks have no excitation."""
    last = max(int(key.split(".")[1]) for key in tensors if key.startswith("features."))
    counts: dict[str, set[int]] = {}
    for key in tensors:
        if m := re.match(r"features\.(\d+\.\d+)\.block\.(\d+)\.", key):
            counts.setdefault(m[1], set()).add(int(m[2]))
    out = {}
    for key, value in tensors.items():
        if m := re.match(rf"features\.(0|{last})\.([01])\.(.+)", key):
            names = ("conv_stem", "bn1") if m[1] == "0" else ("conv_head", "bn2")
            key = f"{names[int(m[2])]}.{m[3]}"
        elif m := re.match(r"features\.(\d+)\.(\d+)\.block\.(\d+)\.(.+)", key):
            block, places = f"{m[1]}.{m[2]}", counts[f"{m[1]}.{m[2]}"]
            excited = any(f"features.{block}.block.{n}.fc1.weight" in tensors for n in places)
            part = (
                _part(block, int(m[3]), m[4], places, tensors)
                if excited
                else _fused_part(int(m[3]), m[4], places)
            )
            key = f"blocks.{int(m[1]) - 1}.{m[2]}.{part}"
        else:
            key = key.replace("classifier.1.", "classifier.")
        out[key] = value
    return out


def _fused_part(place: int, rest: str, places: set[int]) -> str:
    words = (("conv", "bn1"),) if len(places) == 1 else (("conv_exp", "bn1"), ("conv_pwl", "bn2"))
    which, _, parameter = rest.partition(".")
    return f"{words[place][int(which)]}.{parameter}"


_OF_MOBILE = {
    "dwconv": "depthwise", "bn": "depthwise_bn", "expand_conv": "expand", "project_conv": "project",
    "se_reduce": "squeeze_excite_conv", "se_expand": "squeeze_excite_conv_1",
}  # fmt: skip


def _mobilenet_block(m: re.Match) -> str:
    parts = (_PLAIN if m[1] == "0" else _EXPANDED) | _EXCITATION
    part = parts.get(str(m[2]), str(m[2]))
    return f"expanded_conv{'' if m[1] == '0' else '_' + m[1]}_{_OF_MOBILE.get(part, part)}"


MOBILENET: Rules = (
    (r"conv_stem", "conv"),
    (r"bn1", "conv_bn"),
    (r"last\.conv", "conv_1"),
    (r"last\.bn1", "conv_1_bn"),
    (r"blocks\.(\d+)\.(.+)", _mobilenet_block),
    (r"conv_head", "conv_2"),
    (r"classifier", "logits"),
)


def _number_blocks(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Blocks by one number instead of two (stage and place); the last stage is a plain convolution."""
    if any(k.startswith("features.") for k in tensors):
        return _like_timm(tensors)
    found = (re.match(r"blocks\.(\d+)\.(\d+)\.", key) for key in tensors)
    places = sorted({(int(m[1]), int(m[2])) for m in found if m})
    numbers = {place: str(i) for i, place in enumerate(places)}
    out = {}
    for key, value in tensors.items():
        m = re.match(r"blocks\.(\d+)\.(\d+)\.(.+)", key)
        if m is None:
            out[key] = value
        elif (int(m[1]), int(m[2])) == places[-1]:
            out[f"last.{m[3]}"] = value
        else:
            out[f"blocks.{numbers[int(m[1]), int(m[2])]}.{m[3]}"] = value
    return out


def _like_timm(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """torchvision's MobileNetV3 in the words of timm; its parts are numbered, some blocks lack some."""
    last = max(int(key.split(".")[1]) for key in tensors if key.startswith("features."))
    counts = {}
    for key in tensors:
        if m := re.match(r"features\.(\d+)\.block\.(\d+)\.", key):
            counts.setdefault(m[1], set()).add(int(m[2]))
    out = {}
    for key, value in tensors.items():
        if m := re.match(rf"features\.(0|{last})\.([01])\.(.+)", key):
            names = ("conv_stem", "bn1") if m[1] == "0" else ("last.conv", "last.bn1")
            out[f"{names[int(m[2])]}.{m[3]}"] = value
        elif m := re.match(r"features\.(\d+)\.block\.(\d+)\.(.+)", key):
            out[f"blocks.{int(m[1]) - 1}.{_part(m[1], int(m[2]), m[3], counts[m[1]], tensors)}"] = value
        else:
            out[re.sub(r"^classifier\.0", "conv_head", re.sub(r"^classifier\.3", "classifier", key))] = value
    return out


def _part(block: str, place: int, rest: str, places: set[int], tensors: dict[str, np.ndarray]) -> str:
    """The word of timm for one numbered part of a block."""
    if rest.startswith(("fc1.", "fc2.")):
        return ("se.conv_reduce." if rest[2] == "1" else "se.conv_expand.") + rest[4:]
    excited = any(f"features.{block}.block.{n}.fc1.weight" in tensors for n in places)
    order = ["dw", *(["se"] if excited else []), "project"]
    if len(places) > len(order):
        order = ["pw", *order]
    wide = "pw" in order
    words = {"pw": ("conv_pw", "bn1"), "dw": ("conv_dw", "bn2" if wide else "bn1")}
    words["project"] = ("conv_pwl", "bn3") if wide else ("conv_pw", "bn2")
    which, _, parameter = rest.partition(".")
    return f"{words[order[place]][int(which)]}.{parameter}"


VGG: Rules = (
    (r"conv(\d)_(\d)", r"block\1_conv\2"),
    (r"pre_logits\.fc(\d)|fc(\d)", lambda m: f"fc{m[1] or m[2]}"),
    (r"head\.fc|classifier", "predictions"),
)
VGG_BLOCKS = {13: (2, 2, 3, 3, 3), 16: (2, 2, 4, 4, 4)}  # by the number of convolutions


def _vgg_names(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Convolutions by block and place; a batch normalization after one becomes part of it."""
    convs = sorted(
        int(m[1])
        for k, v in tensors.items()
        if v.ndim == 4 and (m := re.match(r"features\.(\d+)\.weight", k))
    )
    blocks = VGG_BLOCKS.get(len(convs), (len(convs),))
    names = [f"conv{b}_{i}" for b, count in enumerate(blocks, 1) for i in range(1, count + 1)]
    out = {k: v for k, v in tensors.items() if not k.startswith("features.")}
    for place, name in zip(convs, names, strict=True):
        kernel, bias = tensors[f"features.{place}.weight"], tensors.get(f"features.{place}.bias")
        out[f"{name}.weight"], out[f"{name}.bias"] = _folded(kernel, bias, tensors, f"features.{place + 1}")
    for number, name in (("0", "fc1"), ("3", "fc2"), ("6", "classifier")):  # torchvision's classifier
        for parameter in ("weight", "bias"):
            if (value := out.pop(f"classifier.{number}.{parameter}", None)) is not None:
                if (name, parameter) == ("fc1", "weight"):  # it takes flattened images, channels first
                    edge = int(np.sqrt(value.shape[1] // 512))
                    value = value.reshape(-1, 512, edge, edge)
                out[f"{name}.{parameter}"] = value
    return out


def _folded(kernel: np.ndarray, bias: Any, tensors: dict, norm: str) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias with the batch normalization that follows, if one does."""
    bias = np.zeros(len(kernel), kernel.dtype) if bias is None else bias
    if f"{norm}.running_var" not in tensors:
        return kernel, bias
    mean, variance = tensors[f"{norm}.running_mean"], tensors[f"{norm}.running_var"]
    factor = tensors[f"{norm}.weight"] / np.sqrt(variance + 1e-5)
    return kernel * factor[:, None, None, None], (bias - mean) * factor + tensors[f"{norm}.bias"]


FAMILIES = (
    Family(
        "ResNet", re.compile(r"^conv2_block1_0_bn$"), RESNET, r"fc",
        # the stride is in the 3x3 convolution, not in the 1x1 before it
        strides=((r"conv[345]_block1_1_conv", 1), (r"conv[345]_block1_2_conv", 2)),
    ),
    Family(
        "ConvNeXt", re.compile(r"^(?P<prefix>.+)_stage_0_block_0_layer_scale$"), CONVNEXT,
        r"head\.(norm|fc)|classifier\.[02]", without_head=("_head_layernorm", r"layer_normalization(_\d+)?"),
    ),
    Family(
        "EfficientNet", re.compile(r"^block1a_dwconv$"), EFFICIENTNET, r"classifier", rename=_efficientnet_names
    ),
    Family(
        "EfficientNetV2", re.compile(r"^block1a_project_conv$"), EFFICIENTNET_V2, r"classifier",
        standardized=True, rename=_efficientnet_names,
    ),
    Family(
        "MobileNetV3", re.compile(r"^expanded_conv_1_expand_bn$"), MOBILENET, r"classifier|conv_head",
        standardized=True, rename=_number_blocks,
    ),
    Family(
        "VGG", re.compile(r"^block5_conv3$"), VGG, r"(pre_logits\.)?fc\d|head\.fc|classifier", rename=_vgg_names
    ),
)  # fmt: skip
