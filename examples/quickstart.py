#!/usr/bin/env python3
"""Samples, likelihoods, completions, training, and the stepper, from Python: quickstart.py MODEL [IMAGES]

After `pip install .`, in the repository:
    python3 examples/quickstart.py models/mnist-diagonal-1.safetensors data/mnist-binarized/valid-images-idx3-ubyte.gz
"""
import sys

import numpy as np

import pixelrnn

if len(sys.argv) not in (2, 3):
    sys.exit(f"usage: {__doc__.split(': ', 1)[1].splitlines()[0]}")
model = pixelrnn.load(sys.argv[1])
print(model)

# New images, uint8 (n, H, W, C). The same seed gives the same images, on every machine.
samples = model.sample(16, seed=1)
samples.save("samples.png")

# How likely are images? Exactly, in nats or bits per dimension. A file is levels by itself; arrays have to hold levels.
images = pixelrnn.open(sys.argv[2], levels=model.levels, limit=64) if len(sys.argv) == 3 else model.sample(64)
print(f"samples: {model.nll(samples).mean():.2f} nats, images: {model.nll(images).mean():.2f} nats, "
      f"{model.bits_per_dim(images).mean():.4f} bits per dimension")

# The lower half of four images, three times each.
height, width, _ = model.shape
known = np.zeros((height, width), bool)
known[: height // 2] = True
model.complete(images[:4], known, samples=3, seed=1).save("completed.png")

# Value by value: what the model expects of the next value, and what it gets. A coder would store what is unexpected.
steps, nats = model.steps(1), 0.0
while (at := steps.position) is not None:
    level = images[0][at]
    nats -= steps.log_probs()[0, level]
    steps.put(level)
print(f"image 0, value by value: {nats:.2f} nats, as a whole: {model.nll(images[:1])[0]:.2f}")

# A model of one's own: a small network, trained for a moment. fit() shows a bar if tqdm is there; Ctrl-C keeps the best.
small = pixelrnn.Model(kind="cnn", height=height, width=width, channels=model.shape[2], levels=model.levels, layers=2,
                       hidden=8, head=16)
history = small.fit(images[:48], images[48:], steps=30, optimizer="adam", lr=3e-3)
print(f"after {history.steps} steps: {history.best_nats:.2f} nats on images that it has not seen")
small.save("small.safetensors")
