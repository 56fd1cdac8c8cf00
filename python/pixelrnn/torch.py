"""The networks in PyTorch: to train further there, and sample here.

    network = pixelrnn.torch.to_torch(pixelrnn.load("model.safetensors"))
    loss = network.nll(images).mean()           # images: integers (n, H, W, C)
    model = pixelrnn.torch.from_torch(network)

Names and shapes of the weights are those of a model file, so
safetensors.torch.save_file(network.state_dict(), path, metadata=network.metadata()) writes one. It is a second
implementation, of docs/equations.md alone, and the library is tested against it.
"""
from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils import data as _torch_data

from ._context import Context
from ._data import Data, open
from ._errors import ArgumentError
from ._model import Model

# --------------------------------------------------------------------------------- convolutions


def _groups(features: int, channels: int, blocks: int = 1) -> Tensor:
    """Colour group of each of `blocks` times `features`: feature i of n is of group floor(i C / n)."""
    return (torch.arange(features) * channels // features).repeat(blocks)


class MaskedConv2d(nn.Conv2d):
    """Sees no pixel after its own, and of its own pixel the colour groups before its own (mask A) or up to it (mask B).
    Masked weights are zero and have no gradient."""

    mask: Tensor

    def __init__(self, kind: str, inputs: Tensor, outputs: Tensor, height: int = 1, width: int = 1) -> None:
        super().__init__(len(inputs), len(outputs), (height, width), padding=(height // 2, width // 2))
        mask = torch.zeros(self.weight.shape, dtype=torch.bool)
        mask[:, :, :height // 2] = True
        mask[:, :, height // 2, :width // 2] = True
        before = inputs[None, :] < outputs[:, None] if kind == "A" else inputs[None, :] <= outputs[:, None]
        mask[:, :, height // 2, width // 2] = before
        self.register_buffer("mask", mask, persistent=False)
        with torch.no_grad():
            self.weight.mul_(mask)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight * self.mask
        return F.conv2d(x, weight, self.bias, padding=(weight.shape[2] // 2, weight.shape[3] // 2))


# --------------------------------------------------------------------------------------- layers


class _Recurrence(nn.Module):
    """One LSTM scan. Gates are in the order o, f, i, g, each a block of h maps with colour groups of its own."""

    def __init__(self, config: dict[str, Any], width: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        hidden, channels = config["hidden"], config["channels"]
        self.input_to_state = MaskedConv2d("B", _groups(2 * hidden, channels), _groups(hidden, channels, 4), 1, width)
        self.state_to_state = nn.Conv2d(hidden, 4 * hidden, kernel, bias=False)
        self.initial_hidden = nn.Parameter(torch.zeros(hidden))
        self.initial_cell = nn.Parameter(torch.zeros(hidden))
        if config["condition_features"]:
            self.condition = nn.Conv2d(config["condition_features"], 4 * hidden, 1, bias=False)

    def gates(self, x: Tensor, condition: Tensor | None) -> Tensor:
        maps: Tensor = self.input_to_state(x)
        return maps if condition is None else maps + self.condition(condition)

    def initial(self, images: int, length: int) -> tuple[Tensor, Tensor]:
        """The states outside of the image, (n, h, length)."""
        return (self.initial_hidden[None, :, None].expand(images, -1, length),
                self.initial_cell[None, :, None].expand(images, -1, length))

    @staticmethod
    def cell(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        o, f, i, g = gates.chunk(4, 1)
        cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
        return o.sigmoid() * cell.tanh(), cell


class RowLSTM(_Recurrence):
    """A row's states see three states of the row above; beyond the ends of a row they see zeros."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config, 3, (1, 3))
        hidden, channels = config["hidden"], config["channels"]
        self.output = MaskedConv2d("B", _groups(hidden, channels), _groups(2 * hidden, channels))

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        maps = self.gates(x, condition)
        state, cell = self.initial(x.shape[0], x.shape[3])
        weight, rows = self.state_to_state.weight[:, :, 0], []
        for row in maps.unbind(2):
            state, cell = self.cell(row + F.conv1d(state, weight, padding=1), cell)
            rows.append(state)
        result: Tensor = self.output(torch.stack(rows, 2))
        return result


class _DiagonalScan(_Recurrence):
    """A state sees the one above and the one to the left; all states of an anti-diagonal are computed at once."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config, 1, (2, 1))

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        maps = self.gates(x, condition)
        images, features, height, width = maps.shape
        steps = height + width - 1
        # Row r goes r columns to the right: a column is an anti-diagonal.
        skewed = F.pad(maps, (0, height)).flatten(2)[:, :, :height * steps].view(images, features, height, steps)
        state, cell = self.initial(images, height)
        edge, weight = state[:, :, :1], self.state_to_state.weight[:, :, :, 0]
        rows, states = torch.arange(height, device=x.device), []
        for step in range(steps):
            gates = skewed[..., step] + F.conv1d(torch.cat([edge, state], 2), weight)
            new_state, new_cell = self.cell(gates, cell)
            begun = rows <= step        # the others are outside of the image, where the initial state is
            state, cell = torch.where(begun, new_state, state), torch.where(begun, new_cell, cell)
            states.append(state)
        flat = F.pad(torch.stack(states, 3).flatten(2), (0, height))
        return flat.view(images, -1, height, steps + 1)[..., :width]


class DiagonalBiLSTM(nn.Module):
    """Two scans, from the left and from the right; the right one is moved down by a row."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        hidden, channels = config["hidden"], config["channels"]
        self.left, self.right = _DiagonalScan(config), _DiagonalScan(config)
        self.output = MaskedConv2d("B", _groups(hidden, channels), _groups(2 * hidden, channels))

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        right = self.right(x.flip(3), None if condition is None else condition.flip(3)).flip(3)
        result: Tensor = self.output(self.left(x, condition) + F.pad(right, (0, 0, 1, 0))[:, :, :-1])
        return result


class PixelCNN(nn.Module):
    """Three convolutions, each behind a ReLU."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        hidden, channels = config["hidden"], config["channels"]
        narrow, wide = _groups(hidden, channels), _groups(2 * hidden, channels)
        self.reduce = MaskedConv2d("B", wide, narrow)
        self.conv = MaskedConv2d("B", narrow, narrow, 3, 3)
        self.output = MaskedConv2d("B", narrow, wide)
        if config["condition_features"]:
            self.condition = nn.Conv2d(config["condition_features"], hidden, 1, bias=False)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        y = self.conv(F.relu(self.reduce(F.relu(x))))
        if condition is not None:
            y = y + self.condition(condition)
        result: Tensor = self.output(F.relu(y))
        return result


_KINDS: dict[str, type[nn.Module]] = {"row": RowLSTM, "diagonal": DiagonalBiLSTM, "cnn": PixelCNN}

# -------------------------------------------------------------------------------------- network


class Network(nn.Module):
    """The network of a model. config: that of pixelrnn.Model. notes: texts beside it in its file, such as the palette."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self.config = dict(config)
        self.notes: dict[str, str] = {}
        channels, levels, condition = config["channels"], config["levels"], config["condition_features"]
        wide, head = _groups(2 * config["hidden"], channels), _groups(config["head"], channels)
        outputs = 3 * config["components"] if config["output"] == "logistics" else 1 if levels == 2 else levels
        self.input = MaskedConv2d("A", _groups(channels, channels), wide, 7, 7)
        self.layers = nn.ModuleList(_KINDS[config["kind"]](config) for _ in range(config["layers"]))
        if config["skip"]:
            for layer in list(self.layers)[:-1]:
                layer.skip = MaskedConv2d("B", wide, wide)
        self.head = nn.ModuleList((MaskedConv2d("B", wide, head), MaskedConv2d("B", head, head),
                                   MaskedConv2d("B", head, _groups(channels * outputs, channels))))
        if condition:
            doublings = int(math.log2(config["height"] // config["condition_size"]))
            self.upsampler = nn.ModuleList(
                nn.ConvTranspose2d(condition if k else channels, condition, 4, stride=2, padding=1)
                for k in range(doublings))

    def _maps(self, levels: Tensor) -> Tensor:
        """Levels (n, H, W, C) as maps (n, C, H, W) of -1 .. 1."""
        return levels.permute(0, 3, 1, 2).to(self.input.weight.dtype) * 2 / (self.config["levels"] - 1) - 1

    def small_of(self, images: Tensor) -> Tensor:
        """The small images in large ones: (n, s, s, C)."""
        step = self.config["height"] // self.config["condition_size"]
        return images[:, ::step, ::step]

    def forward(self, images: Tensor, small: Tensor | None = None) -> Tensor:
        """Logits of every conditional, (n, H, W, C, M), as pixelrnn.Model.logits has them. images: integers (n, H, W, C);
        small: (n, s, s, C) of a conditional model, by default those in the images."""
        condition = None
        if self.config["condition_features"]:
            condition = self._maps(self.small_of(images) if small is None else small)
            for upsample in self.upsampler:
                condition = F.relu(upsample(condition))
        x = self.input(self._maps(images))
        skips = []
        for layer in self.layers:
            y = layer(x, condition)
            x = x + y if self.config["residual"] else y
            skip = getattr(layer, "skip", None)
            if skip is not None:
                skips.append(skip(x))
        for skip in skips:
            x = x + skip
        for conv in self.head:
            x = conv(F.relu(x))
        n, height, width, channels = images.shape
        return x.view(n, channels, -1, height, width).permute(0, 3, 4, 1, 2)

    def nll(self, images: Tensor, small: Tensor | None = None, *, new_only: bool = False,
            per_value: bool = False) -> Tensor:
        """Negative log-likelihood in nats: (n,), or per value (n, H, W, C). new_only: values that the small image of a
        conditional model gives count 0; model.fit trains on that."""
        values = value_nll(self(images, small), images, self.config["levels"], self.config["output"])
        if new_only and self.config["condition_size"]:
            step = self.config["height"] // self.config["condition_size"]
            given = torch.zeros_like(values, dtype=torch.bool)
            given[:, ::step, ::step] = True
            values = values.masked_fill(given, 0)
        return values if per_value else values.flatten(1).sum(1)

    def metadata(self) -> dict[str, str]:
        """The __metadata__ of a model file."""
        config = {key: value for key, value in self.config.items()
                  if self.config["output"] == "logistics" or key not in ("output", "components")}
        return {**self.notes, "format": "pixelrnn", "version": "1", "config": json.dumps(config)}


def value_nll(logits: Tensor, images: Tensor, levels: int, output: str = "softmax") -> Tensor:
    """-log p of each value, (n, H, W, C), from its logits (n, H, W, C, M)."""
    if output == "logistics":
        return -_log_mixture(logits, images, levels)
    if levels == 2:
        return F.binary_cross_entropy_with_logits(logits[..., 0], images.to(logits.dtype), reduction="none")
    return F.cross_entropy(logits.flatten(0, 3), images.flatten().long(), reduction="none").view(images.shape)


def _log_mixture(logits: Tensor, images: Tensor, levels: int) -> Tensor:
    """log of the probability that a mixture of logistic distributions gives to the bin of a level (docs/equations.md)."""
    weights, means, scales = logits.chunk(3, -1)
    components = weights.shape[-1]
    spread = torch.arange(1, 2 * components, 2, dtype=logits.dtype, device=logits.device) / components - 1
    scale = math.exp(-7) + scales.clamp(max=30).exp() / (2 * components)
    level = images[..., None]
    centre = level.to(logits.dtype) * 2 / (levels - 1) - 1 - (spread + means)
    half = 1 / (levels - 1)
    above, below = F.logsigmoid((centre + half) / scale), F.logsigmoid((half - centre) / scale)
    between = above + below + (-torch.expm1(-2 * half / scale)).log()
    inside = torch.where(level == 0, above, torch.where(level == levels - 1, below, between))
    return torch.logsumexp(F.log_softmax(weights, -1) + inside, -1)


# ----------------------------------------------------------------------------- there and back


def to_torch(model: Model) -> Network:
    """The same network with the same weights, float32, on the CPU. Its `notes` are the model's metadata: the palette,
    and where the model comes from."""
    network = Network(model.config)
    network.notes = dict(model.metadata)
    network.load_state_dict({name: torch.from_numpy(values) for name, values in model.state_dict().items()})
    return network


def from_torch(network: Network, *, context: Context | None = None) -> Model:
    """The same model with the same weights, rounded to float32, and the network's `notes` as metadata."""
    model = Model(**network.config, context=context)
    tensors = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
    for name, module in network.named_modules():
        if isinstance(module, MaskedConv2d):    # an optimizer may have moved what has no gradient
            tensors[f"{name}.weight"] = np.where(module.mask.cpu().numpy(), tensors[f"{name}.weight"], 0)
    model.load_state_dict(tensors)
    model.metadata.update(network.notes)
    return model


class Dataset(_torch_data.Dataset[Tensor]):
    """A data set for torch.utils.data.DataLoader: images are uint8 tensors (H, W, C).

    source: a pixelrnn.Data, or what pixelrnn.open takes, with its options.
    """

    def __init__(self, source: Any, **options: Any) -> None:
        if isinstance(source, Data) and options:
            raise ArgumentError("a pixelrnn.Data has its options; give them to pixelrnn.open")
        self.data = source if isinstance(source, Data) else open(source, **options)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Tensor:
        return torch.from_numpy(np.asarray(self.data[index]))

    def __getitems__(self, indices: list[int]) -> list[Tensor]:
        return list(torch.from_numpy(np.asarray(self.data.read(indices))))
