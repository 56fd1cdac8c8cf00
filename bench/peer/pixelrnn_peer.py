#!/usr/bin/env python3
"""PixelRNN (van den Oord et al., 2016) in plain PyTorch: Row LSTM, Diagonal BiLSTM, PixelCNN.

The peer to beat: straightforward, idiomatic PyTorch (masked conv2d, a Python loop over the
rows / skewed columns with a batched conv1d per step), nothing custom.

  model = PixelRNN("diag", channels=1, h=16, layers=7, out=32, levels=2)
  logits = model(x)                    # x: float (B, C, H, W)
  nats   = nll(logits, v)              # v: int (B, C, H, W); nats per image, (B,)
  bpd    = bits_per_dim(nats, C*H*W)

Conventions (this project differs in learned initial states, input in [-1, 1] and one ReLU more: docs/equations.md)
  * group of feature i out of n = i*C // n          (contiguous blocks; `grouping="cycle"`: i % C)
    The 4h gate maps are 4 blocks [o,f,i,g] of h; the group of a gate map is that of its hidden unit.
  * mask A: centre tap connects in-group < out-group, mask B: in-group <= out-group;
    taps above, and left in the same row, are open for all groups; the rest is 0.
  * logits: channel c, level k is map c*levels + k.   levels == 2 => one Bernoulli logit, C maps.
  * input scaling: x = v / (levels - 1), in [0, 1].
  * Diagonal BiLSTM: i-s conv, then skew, so the skew padding holds zero gates and zero states
    (initial h, c = 0 on every border).  `skew_first=True` skews first, as some public code does:
    the i-s bias then drives the padding, so the state left of row r is a function of r, not 0.
  * head: (ReLU, 1x1 B 2h->out), (ReLU, 1x1 B out->out), 1x1 B out->logits, with no ReLU before
    the last conv (`final_relu=True` adds one).
"""
import json
import math
import struct

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

KINDS = ("row", "diag", "cnn")


# ------------------------------------------------------------------------------------- masks
def feature_groups(n, channels, grouping="block"):
    i = torch.arange(n)
    return i * channels // n if grouping == "block" else i % channels


def make_mask(kind, out_groups, in_groups, kh, kw):
    """(out, in, kh, kw) 0/1 mask; kind 'A' or 'B'."""
    mask = torch.zeros(len(out_groups), len(in_groups), kh, kw)
    r, c = kh // 2, kw // 2
    mask[:, :, :r, :] = 1
    mask[:, :, r, :c] = 1
    og, ig = out_groups[:, None], in_groups[None, :]
    mask[:, :, r, c] = (ig < og).float() if kind == "A" else (ig <= og).float()
    return mask


class MaskedConv2d(nn.Conv2d):
    def __init__(self, mask_kind, out_groups, in_groups, kernel):
        kh, kw = kernel
        super().__init__(len(in_groups), len(out_groups), kernel, padding=(kh // 2, kw // 2))
        self.register_buffer("mask", make_mask(mask_kind, out_groups, in_groups, kh, kw))

    def forward(self, x):
        return self._conv_forward(x, self.weight * self.mask, self.bias)


# ------------------------------------------------------------------------------------ layers
def lstm_cell(gates, c):
    """gates (B, 4h, N) in order o, f, i, g; c (B, h, N) -> h, c."""
    n = c.shape[1]
    ofi, g = gates.split((3 * n, n), 1)         # split, not slices: their backward fills and adds zeros
    o, f, i = ofi.sigmoid().chunk(3, 1)
    c = f * c + i * g.tanh()
    return o * c.tanh(), c


def ss_weight(h, k):
    """state-to-state kernel h -> 4h of width k, no bias, torch's default conv init."""
    w = torch.empty(4 * h, h, k)
    nn.init.kaiming_uniform_(w, a=math.sqrt(5))
    return nn.Parameter(w)


class RowLSTM(nn.Module):
    def __init__(self, h, grp):
        super().__init__()
        self.i_s = MaskedConv2d("B", grp(h).repeat(4), grp(2 * h), (1, 3))
        self.s_s = ss_weight(h, 3)
        self.up = MaskedConv2d("B", grp(2 * h), grp(h), (1, 1))
        self.h = h

    def forward(self, x):
        rows = self.i_s(x).permute(2, 0, 1, 3).contiguous().unbind(0)     # H of (B, 4h, W)
        h = c = x.new_zeros(x.shape[0], self.h, x.shape[3])
        hs = []
        for r, gates in enumerate(rows):
            if r:                                                         # h is 0 at the top row
                gates = gates + F.conv1d(h, self.s_s, padding=1)
            h, c = lstm_cell(gates, c)
            hs.append(h)
        return x + self.up(torch.stack(hs, 2))


def skew(x):
    """(B, C, H, W) -> (B, C, H, W+H-1); out[r, r+c] = x[r, c], 0 elsewhere."""
    b, n, hh, w = x.shape
    return F.pad(x, (0, hh)).flatten(2)[:, :, :hh * (w + hh - 1)].view(b, n, hh, w + hh - 1)


def unskew(x, w):
    b, n, hh, _ = x.shape
    return F.pad(x.flatten(2), (0, hh)).view(b, n, hh, w + hh)[:, :, :, :w]


class DiagonalBiLSTM(nn.Module):
    def __init__(self, h, grp, skew_first=False):
        super().__init__()
        self.i_s = nn.ModuleList(MaskedConv2d("B", grp(h).repeat(4), grp(2 * h), (1, 1)) for _ in range(2))
        self.s_s = nn.ParameterList(ss_weight(h, 2) for _ in range(2))    # tap 0: row above, 1: same row
        self.up = MaskedConv2d("B", grp(2 * h), grp(h), (1, 1))
        self.h = h
        self.skew_first = skew_first

    def scan(self, x, i_s, s_s):
        gates = i_s(skew(x)) if self.skew_first else skew(i_s(x))         # (B, 4h, H, W+H-1)
        cols = gates.permute(3, 0, 1, 2).contiguous().unbind(0)           # W+H-1 of (B, 4h, H)
        h = c = x.new_zeros(x.shape[0], self.h, x.shape[2])
        hs = []
        for k, gates in enumerate(cols):
            if k:
                gates = gates + F.conv1d(F.pad(h, (1, 0)), s_s)           # rows r-1, r of column k-1
            h, c = lstm_cell(gates, c)
            hs.append(h)
        return unskew(torch.stack(hs, 3), x.shape[3])

    def forward(self, x):
        left = self.scan(x, self.i_s[0], self.s_s[0])
        right = self.scan(x.flip(3), self.i_s[1], self.s_s[1]).flip(3)
        right = F.pad(right, (0, 0, 1, 0))[:, :, :-1]                     # one row down
        return x + self.up(left + right)


class CNNBlock(nn.Module):
    def __init__(self, h, grp):
        super().__init__()
        self.down = MaskedConv2d("B", grp(h), grp(2 * h), (1, 1))
        self.conv = MaskedConv2d("B", grp(h), grp(h), (3, 3))
        self.up = MaskedConv2d("B", grp(2 * h), grp(h), (1, 1))

    def forward(self, x):
        return x + self.up(F.relu(self.conv(F.relu(self.down(F.relu(x))))))


# ------------------------------------------------------------------------------------- model
class PixelRNN(nn.Module):
    def __init__(self, kind, channels=1, h=16, layers=7, out=32, levels=256,
                 grouping="block", skew_first=False, final_relu=False):
        super().__init__()
        assert kind in KINDS
        self.kind, self.channels, self.h, self.out, self.levels = kind, channels, h, out, levels
        self.final_relu = final_relu
        maps = 1 if levels == 2 else levels                               # logit maps per channel

        def grp(n):
            return feature_groups(n, channels, grouping)

        make = {"row": lambda: RowLSTM(h, grp), "cnn": lambda: CNNBlock(h, grp),
                "diag": lambda: DiagonalBiLSTM(h, grp, skew_first)}[kind]
        self.first = MaskedConv2d("A", grp(2 * h), feature_groups(channels, channels), (7, 7))
        self.blocks = nn.ModuleList(make() for _ in range(layers))
        self.head1 = MaskedConv2d("B", grp(out), grp(2 * h), (1, 1))
        self.head2 = MaskedConv2d("B", grp(out), grp(out), (1, 1))
        self.head3 = MaskedConv2d("B", feature_groups(channels * maps, channels), grp(out), (1, 1))

    def forward(self, x):
        """float (B, C, H, W) -> logits: (B, C, H, W) if levels == 2, else (B, levels, C, H, W)."""
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        x = self.head2(F.relu(self.head1(F.relu(x))))
        x = self.head3(F.relu(x) if self.final_relu else x)
        if self.levels == 2:
            return x
        b, _, hh, w = x.shape
        return x.view(b, self.channels, self.levels, hh, w).transpose(1, 2)


def scale(v, levels):
    return v.float() / (levels - 1)


def nll(logits, v):
    """negative log-likelihood in nats, one number per image."""
    if logits.dim() == v.dim():
        loss = F.binary_cross_entropy_with_logits(logits, v.to(logits.dtype), reduction="none")
    else:
        loss = F.cross_entropy(logits, v.long(), reduction="none")
    return loss.flatten(1).sum(1)


def bits_per_dim(nats, dims):
    return nats / (math.log(2) * dims)


def make_optimizer(model, lr=1e-3):
    return torch.optim.RMSprop(model.parameters(), lr=lr, alpha=0.99, eps=1e-8)


def train_step(model, opt, v):
    """one RMSprop step on a batch of integer images; the mean NLL in nats per image."""
    opt.zero_grad(set_to_none=True)
    loss = nll(model(scale(v, model.levels)), v).mean()
    loss.backward()
    opt.step()
    return loss.item()


@torch.no_grad()
def sample(model, n, height, width, max_passes=None):
    """naive ancestral sampling: a full forward pass for every pixel and channel."""
    v = torch.zeros(n, model.channels, height, width, dtype=torch.long)
    passes = 0
    for r in range(height):
        for c in range(width):
            for ch in range(model.channels):
                if max_passes is not None and passes == max_passes:
                    return v
                passes += 1
                logits = model(scale(v, model.levels))
                if model.levels == 2:
                    v[:, ch, r, c] = torch.bernoulli(logits[:, ch, r, c].sigmoid()).long()
                else:
                    v[:, ch, r, c] = torch.multinomial(logits[:, :, ch, r, c].softmax(1), 1)[:, 0]
    return v


# ------------------------------------------------------------------------------ FLOP counting
def forward_flops(model, height, width):
    """FLOPs (2 * MACs, convolutions only) of one forward pass on one image.

    dense    - each conv with its full kernel at each of the H*W pixels, one LSTM step per pixel
    needed   - the same without weights that the masks hold at zero
    executed - what this file's code really runs: `dense` plus the skew padding of the diagonal scan
               (and, with skew_first, of its i-s conv) minus the state-to-state conv of the first step
    (zero-padding taps at the image borders are counted as MACs in all three.)
    """
    px, skewed = height * width, height * (width + height - 1)
    tot = dict(dense=0, needed=0, executed=0)

    def add(weight, mask, executed_px):
        tot["dense"] += 2 * px * weight.numel()
        tot["needed"] += 2 * px * (int(mask.sum()) if mask is not None else weight.numel())
        tot["executed"] += 2 * executed_px * weight.numel()

    for m in model.modules():
        if isinstance(m, RowLSTM):
            add(m.s_s, None, (height - 1) * width)
        elif isinstance(m, DiagonalBiLSTM):
            for w in m.s_s:
                add(w, None, skewed - height)
            if m.skew_first:
                tot["executed"] += sum(2 * (skewed - px) * c.weight.numel() for c in m.i_s)
        elif isinstance(m, MaskedConv2d):
            add(m.weight, m.mask, px)
    return tot


# -------------------------------------------------------------------------------- safetensors
def save_safetensors(path, tensors, metadata=None):
    """8-byte little-endian header length, JSON header, raw little-endian data."""
    names = {np.dtype("float32"): "F32", np.dtype("float64"): "F64", np.dtype("int64"): "I64",
             np.dtype("int32"): "I32", np.dtype("uint8"): "U8"}
    header, blobs, at = {}, [], 0
    if metadata:
        header["__metadata__"] = {k: str(s) for k, s in metadata.items()}
    for name, t in tensors.items():
        a = np.ascontiguousarray(t.detach().cpu().numpy() if torch.is_tensor(t) else t)
        header[name] = {"dtype": names[a.dtype], "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        blobs.append(a.tobytes())
        at += a.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def load_safetensors(path):
    types = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "I32": np.int32, "U8": np.uint8}
    with open(path, "rb") as f:
        (n,) = struct.unpack("<Q", f.read(8))
        header, data = json.loads(f.read(n)), f.read()
    meta = header.pop("__metadata__", {})
    tensors = {}
    for name, e in header.items():
        a, b = e["data_offsets"]
        tensors[name] = torch.from_numpy(np.frombuffer(data[a:b], types[e["dtype"]]).reshape(e["shape"]).copy())
    return tensors, meta


def dump_fixture(path, model, v):
    """weights (already multiplied by their masks), input, logits, NLL and gradients, for a parity test."""
    x = scale(v, model.levels).to(next(model.parameters()).dtype).requires_grad_()
    model.zero_grad(set_to_none=True)
    logits = model(x)
    nats = nll(logits, v)
    nats.mean().backward()
    masks = {n[:-len(".mask")]: b for n, b in model.named_buffers() if n.endswith(".mask")}
    out = {"v": v, "x": x, "logits": logits, "nll": nats, "grad.x": x.grad}
    for name, p in model.named_parameters():
        m = masks.get(name[:-len(".weight")]) if name.endswith(".weight") else None
        out["param." + name] = p * m if m is not None else p
        out["grad." + name] = p.grad
    save_safetensors(path, out, dict(kind=model.kind, channels=model.channels, h=model.h, out=model.out,
                                     levels=model.levels, layers=len(model.blocks)))
    return logits, nats


if __name__ == "__main__":
    import argparse
    ap = argparse.ArgumentParser(description="write a parity fixture (weights, input, logits, NLL, gradients)")
    ap.add_argument("path")
    ap.add_argument("--kind", choices=KINDS, default="diag")
    for flag, default in (("channels", 1), ("h", 6), ("layers", 2), ("out", 9), ("levels", 2),
                          ("height", 7), ("width", 6), ("batch", 2), ("seed", 0)):
        ap.add_argument("--" + flag, type=int, default=default)
    ap.add_argument("--double", action="store_true")
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    net = PixelRNN(a.kind, a.channels, a.h, a.layers, a.out, a.levels)
    net = net.double() if a.double else net
    images = torch.randint(0, a.levels, (a.batch, a.channels, a.height, a.width))
    _, nats = dump_fixture(a.path, net, images)
    print(json.dumps({"nll_nats": nats.tolist(),
                      "bits_per_dim": bits_per_dim(nats, images[0].numel()).tolist()}))
