"""Networks in torch with the names that timm and torchvision give their parts."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


def shaken(module: nn.Module) -> nn.Module:
    """Numbers that are all different, and keep their size through many layers."""
    generator = torch.Generator().manual_seed(0)
    for name, p in [*module.named_parameters(), *module.named_buffers()]:
        if p.dtype != torch.float32:
            continue
        if p.ndim > 1 and "layer_scale" not in name:
            fan = p[0].numel()
            p.data = torch.randn(p.shape, generator=generator) * (2.0 / fan) ** 0.5
        elif name.endswith(("weight", "var", "gamma")) or "layer_scale" in name:
            p.data = torch.rand(p.shape, generator=generator) * 0.5 + 0.75
        else:
            p.data = torch.randn(p.shape, generator=generator) * 0.1
    return module.eval()


def calm(module: nn.Module) -> nn.Module:
    """Blocks that add little each: through forty of them a rounding error would else grow to the size of the result."""
    for block in module.modules():
        if isinstance(block, (Inverted, Fused)):
            norms = [part for part in block.children() if isinstance(part, nn.BatchNorm2d)]
            norms[-1].weight.data *= 0.3
    return module


class Bottleneck(nn.Module):
    def __init__(self, channels: int, filters: int, stride: int, project: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, filters, 1, bias=False), nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.conv3, self.bn3 = nn.Conv2d(filters, 4 * filters, 1, bias=False), nn.BatchNorm2d(4 * filters)
        self.downsample = None
        if project:
            conv = nn.Conv2d(channels, 4 * filters, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(4 * filters))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + shortcut)


class ResNet(nn.Module):
    def __init__(self, blocks=(3, 4, 6, 3), classes: int = 5) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        channels = 64
        for stage, count in enumerate(blocks):
            filters, parts = 64 * 2**stage, []
            for i in range(count):
                parts.append(Bottleneck(channels, filters, 2 if i == 0 and stage else 1, i == 0))
                channels = 4 * filters
            setattr(self, f"layer{stage + 1}", nn.Sequential(*parts))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class Norm2d(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv_dw, self.norm = nn.Conv2d(dim, dim, 7, padding=3, groups=dim), nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(dim, 4 * dim), "fc2": nn.Linear(4 * dim, dim)})
        self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        y = self.norm(self.conv_dw(x).permute(0, 2, 3, 1))
        y = self.gamma * self.mlp["fc2"](F.gelu(self.mlp["fc1"](y)))
        return x + y.permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self, depths=(3, 3, 9, 3), dims=(96, 192, 384, 768), classes: int = 5) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, dims[0], 4, 4), Norm2d(dims[0], eps=1e-6))
        self.stages = nn.ModuleList()
        for i, (depth, dim) in enumerate(zip(depths, dims, strict=True)):
            stage = nn.Module()
            if i:
                stage.downsample = nn.Sequential(
                    Norm2d(dims[i - 1], eps=1e-6), nn.Conv2d(dims[i - 1], dim, 2, 2)
                )
            stage.blocks = nn.Sequential(*[ConvNeXtBlock(dim) for _ in range(depth)])
            self.stages.append(stage)
        self.head = nn.ModuleDict(
            {"norm": nn.LayerNorm(dims[-1], eps=1e-6), "fc": nn.Linear(dims[-1], classes)}
        )

    def forward(self, x):
        x = self.stem(x)
        for i, stage in enumerate(self.stages):
            x = stage.blocks(stage.downsample(x) if i else x)
        return self.head["fc"](self.head["norm"](x.mean((2, 3))))


def convnext_like_torchvision(state: dict) -> dict:
    """The same weights under torchvision's names."""
    import re

    inner = {"conv_dw": "block.0", "norm": "block.2", "mlp.fc1": "block.3", "mlp.fc2": "block.5"}
    out = {}
    for key, value in state.items():
        key = re.sub(r"^stem\.(\d)", r"features.0.\1", key)
        key = re.sub(r"^stages\.(\d)\.downsample", lambda m: f"features.{2 * int(m[1])}", key)
        if m := re.match(r"^stages\.(\d)\.blocks\.(\d+)\.(.+)", key):
            rest = m[3]
            if rest == "gamma":
                rest, value = "layer_scale", value[:, None, None]
            for ours, theirs in inner.items():
                if rest.startswith(ours + "."):
                    rest = theirs + rest[len(ours) :]
            key = f"features.{2 * int(m[1]) + 1}.{m[2]}.{rest}"
        out[key.replace("head.norm", "classifier.0").replace("head.fc", "classifier.2")] = value
    return out


class Excite(nn.Module):
    def __init__(self, channels: int, reduced: int, act, gate) -> None:
        super().__init__()
        self.conv_reduce, self.conv_expand = nn.Conv2d(channels, reduced, 1), nn.Conv2d(reduced, channels, 1)
        self.act, self.gate = act, gate

    def forward(self, x):
        y = self.conv_expand(self.act(self.conv_reduce(x.mean((2, 3), keepdim=True))))
        return x * self.gate(y)


class Inverted(nn.Module):
    """`conv_pw, conv_dw, conv_pwl`, or `conv_dw, conv_pw` where nothing is expanded."""

    def __init__(
        self, channels, wide, filters, kernel, stride, reduced, act, gate=torch.sigmoid, se_act=None
    ) -> None:
        super().__init__()
        norm = nn.BatchNorm2d
        dw = nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide, bias=False)
        last = nn.Conv2d(wide, filters, 1, bias=False)
        self.expands, self.act = wide != channels or reduced == "expand", act
        if self.expands:
            self.conv_pw, self.bn1 = nn.Conv2d(channels, wide, 1, bias=False), norm(wide)
            self.conv_dw, self.bn2, self.conv_pwl, self.bn3 = dw, norm(wide), last, norm(filters)
        else:
            self.conv_dw, self.bn1, self.conv_pw, self.bn2 = dw, norm(wide), last, norm(filters)
        if reduced:
            self.se = Excite(wide, reduced, se_act or act, gate)
        self.joins = stride == 1 and channels == filters

    def forward(self, x):
        y = x
        if self.expands:
            y = self.act(self.bn1(self.conv_pw(y)))
            y = self.act(self.bn2(self.conv_dw(y)))
        else:
            y = self.act(self.bn1(self.conv_dw(y)))
        if hasattr(self, "se"):
            y = self.se(y)
        y = self.bn3(self.conv_pwl(y)) if self.expands else self.bn2(self.conv_pw(y))
        return y + x if self.joins else y


class EfficientNetB0(nn.Module):
    STAGES = ((3, 1, 16, 1, 1), (3, 2, 24, 6, 2), (5, 2, 40, 6, 2), (3, 3, 80, 6, 2), (5, 3, 112, 6, 1),
              (5, 4, 192, 6, 2), (3, 1, 320, 6, 1))  # fmt: skip

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.conv_stem, self.bn1 = nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32)
        channels, stages = 32, []
        for kernel, repeats, filters, expansion, stride in self.STAGES:
            parts = []
            for i in range(repeats):
                reduced = max(1, channels // 4)
                parts.append(
                    Inverted(
                        channels,
                        channels * expansion,
                        filters,
                        kernel,
                        stride if i == 0 else 1,
                        reduced,
                        F.silu,
                    )
                )
                channels = filters
            stages.append(nn.Sequential(*parts))
        self.blocks = nn.Sequential(*stages)
        self.conv_head, self.bn2 = nn.Conv2d(channels, 1280, 1, bias=False), nn.BatchNorm2d(1280)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, x):
        x = self.blocks(F.silu(self.bn1(self.conv_stem(x))))
        return self.classifier(F.silu(self.bn2(self.conv_head(x))).mean((2, 3)))


class Fused(nn.Module):
    """`conv` alone, or `conv_exp, conv_pwl`."""

    def __init__(self, channels: int, filters: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = channels * expansion
        first = nn.Conv2d(channels, wide if expansion > 1 else filters, 3, stride, 1, bias=False)
        if expansion > 1:
            self.conv_exp, self.bn1 = first, nn.BatchNorm2d(wide)
            self.conv_pwl, self.bn2 = nn.Conv2d(wide, filters, 1, bias=False), nn.BatchNorm2d(filters)
        else:
            self.conv, self.bn1 = first, nn.BatchNorm2d(filters)
        self.joins = stride == 1 and channels == filters

    def forward(self, x):
        if hasattr(self, "conv"):
            y = F.silu(self.bn1(self.conv(x)))
        else:
            y = self.bn2(self.conv_pwl(F.silu(self.bn1(self.conv_exp(x)))))
        return y + x if self.joins else y


class EfficientNetV2(nn.Module):
    """B0 with a stem of 32 filters, S with one of 24."""

    # repeats, filters, expansion, stride, whether the block is depthwise
    STAGES = {
        32: ((1, 16, 1, 1, False), (2, 32, 4, 2, False), (2, 48, 4, 2, False), (3, 96, 4, 2, True),
             (5, 112, 6, 1, True), (8, 192, 6, 2, True)),
        24: ((2, 24, 1, 1, False), (4, 48, 4, 2, False), (4, 64, 4, 2, False), (6, 128, 4, 2, True),
             (9, 160, 6, 1, True), (15, 256, 6, 2, True)),
    }  # fmt: skip

    def __init__(self, stem: int, classes: int = 5) -> None:
        super().__init__()
        self.conv_stem, self.bn1 = nn.Conv2d(3, stem, 3, 2, 1, bias=False), nn.BatchNorm2d(stem)
        channels, stages = stem, []
        for repeats, filters, expansion, first, depthwise in self.STAGES[stem]:
            parts = []
            for i in range(repeats):
                stride, wide = first if i == 0 else 1, channels * expansion
                reduced = max(1, channels // 4)
                parts.append(
                    Inverted(channels, wide, filters, 3, stride, reduced, F.silu)
                    if depthwise
                    else Fused(channels, filters, expansion, stride)
                )
                channels = filters
            stages.append(nn.Sequential(*parts))
        self.blocks = nn.Sequential(*stages)
        self.conv_head, self.bn2 = nn.Conv2d(channels, 1280, 1, bias=False), nn.BatchNorm2d(1280)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, x):
        x = self.blocks(F.silu(self.bn1(self.conv_stem(x))))
        return self.classifier(F.silu(self.bn2(self.conv_head(x))).mean((2, 3)))


def efficientnet_like_torchvision(state: dict) -> dict:
    """The same weights under torchvision's names: parts of blocks by number."""
    import re

    last = 2 + max(int(key.split(".")[1]) for key in state if key.startswith("blocks."))
    ends = {"conv_stem": "features.0.0", "bn1": "features.0.1", "conv_head": f"features.{last}.0",
            "bn2": f"features.{last}.1", "classifier": "classifier.1"}  # fmt: skip
    words = {
        "conv": {"conv": "0.0", "bn1": "0.1"},
        "conv_exp": {"conv_exp": "0.0", "bn1": "0.1", "conv_pwl": "1.0", "bn2": "1.1"},
        "conv_pwl": {"conv_pw": "0.0", "bn1": "0.1", "conv_dw": "1.0", "bn2": "1.1", "se.conv_reduce": "2.fc1",
                     "se.conv_expand": "2.fc2", "conv_pwl": "3.0", "bn3": "3.1"},
        "conv_dw": {"conv_dw": "0.0", "bn1": "0.1", "se.conv_reduce": "1.fc1", "se.conv_expand": "1.fc2",
                    "conv_pw": "2.0", "bn2": "2.1"},
    }  # fmt: skip
    out = {}
    for key, value in state.items():
        module, _, parameter = key.rpartition(".")
        if m := re.match(r"^blocks\.(\d)\.(\d+)\.(.+)", module):
            kind = next(k for k in words if f"blocks.{m[1]}.{m[2]}.{k}.weight" in state)
            module = f"features.{int(m[1]) + 1}.{m[2]}.block.{words[kind][m[3]]}"
        out[f"{ends.get(module, module)}.{parameter}"] = value
    return out


class ConvBnAct(nn.Module):
    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.conv, self.bn1 = nn.Conv2d(channels, filters, 1, bias=False), nn.BatchNorm2d(filters)

    def forward(self, x):
        return F.hardswish(self.bn1(self.conv(x)))


class MobileNetV3Small(nn.Module):
    # stage -> (wide, filters, kernel, stride, reduced, activation)
    STAGES = (
        ((16, 16, 3, 2, 8, F.relu),), ((72, 24, 3, 2, 0, F.relu), (88, 24, 3, 1, 0, F.relu)),
        ((96, 40, 5, 2, 24, F.hardswish), (240, 40, 5, 1, 64, F.hardswish), (240, 40, 5, 1, 64, F.hardswish)),
        ((120, 48, 5, 1, 32, F.hardswish), (144, 48, 5, 1, 40, F.hardswish)),
        ((288, 96, 5, 2, 72, F.hardswish), (576, 96, 5, 1, 144, F.hardswish), (576, 96, 5, 1, 144, F.hardswish)),
    )  # fmt: skip

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.conv_stem, self.bn1 = nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16)
        channels, stages = 16, []
        for stage in self.STAGES:
            parts = []
            for wide, filters, kernel, stride, reduced, act in stage:
                parts.append(
                    Inverted(channels, wide, filters, kernel, stride, reduced, act, F.hardsigmoid, F.relu)
                )
                channels = filters
            stages.append(nn.Sequential(*parts))
        self.blocks = nn.Sequential(*stages, nn.Sequential(ConvBnAct(channels, 576)))
        self.conv_head, self.classifier = nn.Conv2d(576, 1024, 1), nn.Linear(1024, classes)

    def forward(self, x):
        x = self.blocks(F.hardswish(self.bn1(self.conv_stem(x))))
        x = F.hardswish(self.conv_head(x.mean((2, 3), keepdim=True)))
        return self.classifier(x.flatten(1))


def mobilenet_like_torchvision(state: dict) -> dict:
    """The same weights under torchvision's names: parts of blocks by number."""
    import re

    blocks = [len(stage) for stage in MobileNetV3Small.STAGES]
    out = {}
    for key, value in state.items():
        m = re.match(r"^blocks\.(\d)\.(\d)\.(.+)", key)
        if m and m[1] == "5":
            out[m[3].replace("conv.", "features.12.0.").replace("bn1.", "features.12.1.")] = value
        elif m:
            number = sum(blocks[: int(m[1])]) + int(m[2]) + 1
            wide = number > 1
            excited = f"blocks.{m[1]}.{m[2]}.se.conv_reduce.weight" in state
            dw, se = int(wide), int(wide) + 1
            last = se + int(excited)
            words = (
                {"conv_pw": "0.0", "bn1": "0.1", "conv_dw": f"{dw}.0", "bn2": f"{dw}.1", "conv_pwl": f"{last}.0",
                 "bn3": f"{last}.1"}
                if wide
                else {"conv_dw": "0.0", "bn1": "0.1", "conv_pw": f"{last}.0", "bn2": f"{last}.1"}
            ) | {"se.conv_reduce": f"{se}.fc1", "se.conv_expand": f"{se}.fc2"}  # fmt: skip
            module, _, parameter = m[3].rpartition(".")
            out[f"features.{number}.block.{words[module]}.{parameter}"] = value
        else:
            for ours, theirs in (("conv_stem", "features.0.0"), ("bn1", "features.0.1"), ("classifier", "classifier.3"),
                                 ("conv_head", "classifier.0")):  # fmt: skip
                if key.startswith(ours + "."):
                    key = theirs + key[len(ours) :]
                    break
            if key == "classifier.0.weight":
                value = value.flatten(1)
            out[key] = value
    return out


class VGG16(nn.Module):
    """torchvision's, with or without batch normalization."""

    def __init__(self, edge: int, norm: bool = False, classes: int = 5) -> None:
        super().__init__()
        parts, channels = [], 3
        for filters, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            for _ in range(count):
                parts.append(nn.Conv2d(channels, filters, 3, padding=1))
                parts += [nn.BatchNorm2d(filters)] if norm else []
                parts.append(nn.ReLU())
                channels = filters
            parts.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*parts)
        linear = nn.Linear
        self.classifier = nn.Sequential(
            linear(512 * edge * edge, 4096), nn.ReLU(), nn.Identity(), linear(4096, 4096), nn.ReLU(), nn.Identity(),
            linear(4096, classes),
        )  # fmt: skip

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def vgg_like_timm(state: dict, edge: int) -> dict:
    """The same weights under timm's names: the first dense layer is a convolution there."""
    names = {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2", "classifier.6": "head.fc"}
    out = {}
    for key, value in state.items():
        module, _, parameter = key.rpartition(".")
        if parameter == "weight" and module == "classifier.0":
            value = value.reshape(4096, 512, edge, edge)
        if parameter == "weight" and module == "classifier.3":
            value = value[:, :, None, None]
        out[f"{names.get(module, module)}.{parameter}"] = value
    return out
