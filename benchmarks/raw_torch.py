"""The workloads in bare torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


class Images(nn.Module):
    """Rows, height, width, channels as torch's convolutions see them; nothing is copied."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 3, 1, 2)


def convnet() -> nn.Module:
    return nn.Sequential(
        Images(), nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Dropout(0.25), nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
    )  # fmt: skip


class Lstm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.out = nn.LSTM(32, 64, batch_first=True), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.lstm(x)[1][0][-1])


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(128, 384), nn.Linear(128, 128)

    def forward(self, x: Tensor) -> Tensor:
        b, n, _ = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, 4, 32).permute(2, 0, 3, 1, 4)
        x = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(x.transpose(1, 2).reshape(b, n, 128))


class Residual(nn.Module):
    """What comes in is added to what comes out."""

    def __init__(self, body: nn.Module, short: nn.Module | None = None) -> None:
        super().__init__()
        self.body, self.short = body, short or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.short(x) + self.body(x)


def transformer() -> nn.Module:
    blocks = []
    for _ in range(2):
        blocks.append(Residual(nn.Sequential(nn.LayerNorm(128, 1e-3), Attention())))
        wide = nn.Linear(128, 512), nn.GELU(), nn.Linear(512, 128)
        blocks.append(Residual(nn.Sequential(nn.LayerNorm(128, 1e-3), *wide)))
    return nn.Sequential(nn.Embedding(2000, 128), *blocks, nn.LayerNorm(128, 1e-3), nn.Linear(128, 2000))


def resnet() -> nn.Module:
    def conv(before: int, after: int, edge: int, stride: int = 1) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(before, after, edge, stride, padding=edge // 2, bias=False),
            nn.BatchNorm2d(after, 1e-3, 0.01),
        )

    layers = [Images(), conv(3, 16, 3), nn.ReLU()]
    for before, after, stride in (
        (16, 16, 1),
        (16, 16, 1),
        (16, 32, 2),
        (32, 32, 1),
        (32, 64, 2),
        (64, 64, 1),
    ):
        body = nn.Sequential(conv(before, after, 3, stride), nn.ReLU(), conv(after, after, 3))
        layers += [Residual(body, conv(before, after, 1, stride) if stride > 1 else None), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


MODELS = {"mlp": mlp, "convnet": convnet, "lstm": Lstm, "transformer": transformer, "resnet": resnet}


def prepare(what: str) -> tuple[Callable[[Iterable], float], Callable[[np.ndarray], np.ndarray]]:
    """A function that trains on batches and returns the last loss, and one that predicts."""
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = MODELS[what]().to(device)
    if what == "resnet":  # slower for the convnet
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, eps=1e-7, fused=True)

    def train(batches: Iterable) -> float:
        model.train()
        loss = torch.zeros(())
        for x, y in batches:
            x, y = torch.from_numpy(x).to(device), torch.from_numpy(y).to(device, torch.int64)
            loss = F.cross_entropy(model(x).flatten(0, -2), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.item()

    def predict(row: np.ndarray) -> np.ndarray:
        model.eval()
        with torch.inference_mode():
            return model(torch.from_numpy(row).to(device)).softmax(-1).cpu().numpy()

    return train, predict
