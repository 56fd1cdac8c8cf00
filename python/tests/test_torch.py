"""PyTorch's network, a second implementation in double precision, and the library agree."""
from __future__ import annotations

import json
import pathlib
import struct
from typing import Any

import numpy as np
import pytest

import pixelrnn
from conftest import GOLDEN, GOLDEN_CASES, MODELS, SHIPPED, golden

torch = pytest.importorskip("torch")
pt = pixelrnn.torch

NLL, GRADIENT = 1e-6, 3e-4      # relative; the gradient's of a tensor


def compare(model: pixelrnn.Model, images: np.ndarray) -> Any:
    """NLL of both, and all gradients; the double network."""
    network = pt.to_torch(model).double()
    nats = network.nll(torch.from_numpy(images))
    np.testing.assert_allclose(model.nll(images), nats.detach().numpy(), rtol=NLL)
    names, parameters = zip(*network.named_parameters())
    own = model.gradient(images)[1]
    for name, expected in zip(names, torch.autograd.grad(nats.mean(), parameters)):
        off, size = np.linalg.norm(own[name] - expected.numpy()), np.linalg.norm(expected.numpy())
        assert off <= GRADIENT * size, (name, off / size)
    return network


@pytest.mark.parametrize("name", GOLDEN_CASES)
def test_golden(name: str) -> None:
    model, expect = golden(name)
    network = compare(model, expect["v"])
    images = torch.from_numpy(expect["v"])
    small = torch.from_numpy(expect["small"]) if "small" in expect else None
    # The expected numbers are another program's, in double too.
    np.testing.assert_allclose(network(images, small).detach(), expect["logits"], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(network.nll(images, small).detach(), expect["nll"], rtol=1e-11)
    for parameter in network.parameters():
        parameter.grad = None
    network.nll(images).mean().backward()
    for tensor, parameter in network.named_parameters():
        np.testing.assert_allclose(parameter.grad, expect["grad." + tensor], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped(name: str) -> None:
    model = pixelrnn.load(MODELS / f"{name}.safetensors")
    n = 1 if max(model.shape) > 28 else 2
    if model.small_shape is None:
        images = model.sample(n, seed=1)
    else:
        images = model.upscale(np.random.default_rng(0).integers(0, model.levels, (n, *model.small_shape)))[:, 0]
    compare(model, np.asarray(images))


MIXTURES = [{"kind": kind, "channels": channels, "levels": levels, "components": components, "skip": channels == 3,
             "residual": channels == 1}
            for kind in ("row", "diagonal", "cnn") for channels, levels, components in ((1, 3, 1), (3, 256, 4))]


@pytest.mark.parametrize("network", MIXTURES, ids=lambda n: "-".join(map(str, n.values())))
def test_mixtures(network: dict[str, Any]) -> None:
    model = pixelrnn.Model(**network, height=5, width=6, layers=2, hidden=6, head=8, output="logistics", seed=1)
    random = np.random.default_rng(2)
    weights = {name: np.where(values != 0, values, 0) + (random.normal(size=values.shape) * 0.3 if values.ndim == 1 else 0)
               for name, values in model.state_dict().items()}
    last = weights["head.2.weight"]
    weights["head.2.weight"] = random.normal(size=last.shape) * np.asarray(pt.to_torch(model).head[2].mask)
    model.load_state_dict(weights)
    images = random.integers(0, model.levels, (3, *model.shape)).astype(np.uint8)
    images[0], images[1] = 0, model.levels - 1
    compare(model, images)


def test_conditional_losses() -> None:
    model, expect = golden("diagonal_conditional")
    network, images = pt.to_torch(model).double(), torch.from_numpy(expect["v"])
    np.testing.assert_allclose(network.nll(images, new_only=True).detach(), model.nll(expect["v"], new_only=True), rtol=NLL)
    values = network.nll(images, new_only=True, per_value=True).detach().numpy()
    np.testing.assert_allclose(values, model.nll(expect["v"], new_only=True, per_value=True), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", GOLDEN_CASES)
def test_there_and_back(name: str) -> None:
    model, expect = golden(name)
    model.metadata["made by"] = "hand"
    again = pt.from_torch(pt.to_torch(model).double())
    assert again.config == model.config
    assert dict(again.metadata) == dict(model.metadata)
    assert "made by" in pt.to_torch(model).metadata()
    np.testing.assert_array_equal(again.nll(expect["v"]), model.nll(expect["v"]))


def save_file(tensors: dict[str, Any], path: pathlib.Path, metadata: dict[str, str]) -> None:
    """What safetensors.torch.save_file writes, without needing it."""
    header: dict[str, Any] = {"__metadata__": metadata}
    at, data = 0, b""
    for name, tensor in tensors.items():
        part = tensor.numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(part)]}
        at, data = at + len(part), data + part
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.mark.parametrize("optimizer", ["Adam", "SGD", "AdamW"])
def test_trained_there_and_saved(optimizer: str, tmp_path: pathlib.Path, program: Any) -> None:
    """A step of training in PyTorch; its state_dict is a model file, with masks that still are zero."""
    model, expect = golden("row_rgb_skip")
    network, images = pt.to_torch(model), torch.from_numpy(expect["v"])
    steps = getattr(torch.optim, optimizer)(network.parameters(), lr=1e-3, weight_decay=0.1)
    for _ in range(3):
        steps.zero_grad()
        network.nll(images).mean().backward()
        steps.step()
    try:
        from safetensors.torch import save_file as save
    except ImportError:
        save = save_file
    save(network.state_dict(), tmp_path / "m.safetensors", metadata=network.metadata())
    loaded, direct = pixelrnn.load(tmp_path / "m.safetensors"), pt.from_torch(network)
    np.testing.assert_array_equal(loaded.nll(expect["v"]), direct.nll(expect["v"]))
    assert loaded.nll(expect["v"]).mean() < model.nll(expect["v"]).mean()
    assert '"kind": "row"' in program("info", tmp_path / "m.safetensors", "--json")
    np.testing.assert_allclose(loaded.nll(expect["v"]), network.nll(images).detach().double(), rtol=1e-5)


def test_masked_weights_that_moved(tmp_path: pathlib.Path) -> None:
    model, expect = golden("cnn_rgb_plain")
    network = pt.to_torch(model)
    with torch.no_grad():
        network.input.weight.add_((~network.input.mask).float())
    np.testing.assert_array_equal(pt.from_torch(network).nll(expect["v"]), model.nll(expect["v"]))
    np.testing.assert_allclose(network.nll(torch.from_numpy(expect["v"])).detach(), model.nll(expect["v"]), rtol=1e-5)


def test_tensors_as_arrays(tiny: pixelrnn.Model, images: np.ndarray) -> None:
    for kind in (torch.uint8, torch.int64, torch.float32, torch.bool):
        np.testing.assert_array_equal(tiny.nll(torch.from_numpy(images).to(kind)), tiny.nll(images))
    np.testing.assert_array_equal(tiny.complete(torch.from_numpy(images), torch.ones(6, 7, dtype=torch.bool))[:, 0], images)
    spread = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    np.testing.assert_array_equal(tiny.nll(spread), tiny.nll(images))
    with pytest.raises(ValueError, match="permute"):
        tiny.nll(torch.from_numpy(images).permute(0, 3, 1, 2))
    tiny.load_state_dict(pt.to_torch(tiny).state_dict())


@pytest.mark.parametrize("workers", [0, 2])
def test_data_loader(images: np.ndarray, workers: int) -> None:
    data = pixelrnn.open(images, levels=2, values="levels")
    for source in (pt.Dataset(data), pt.Dataset(images, levels=2, values="levels")):
        loader = torch.utils.data.DataLoader(source, batch_size=4, num_workers=workers)
        np.testing.assert_array_equal(torch.cat(list(loader)), images)
    assert pt.Dataset(data)[1].shape == (6, 7, 1)
    with pytest.raises(ValueError, match="its options"):
        pt.Dataset(data, levels=2)


def test_gradient_reaches_no_masked_weight() -> None:
    model = pixelrnn.load(GOLDEN / "diagonal_rgb.model.safetensors")
    network = pt.to_torch(model)
    network.nll(torch.zeros(1, *model.shape, dtype=torch.uint8)).sum().backward()
    for module in network.modules():
        if isinstance(module, pt.MaskedConv2d):
            assert (module.weight.grad[~module.mask] == 0).all()
