#!/usr/bin/env python3
"""A wider network that computes what a model computes, to go on training from: Net2Net (Chen, Goodfellow, Shlens 2016) without copies.

    experiments/widen.py MODEL HIDDEN HEAD OUT      HIDDEN, HEAD: features of the wider network, multiples of the images' channels

The features of MODEL stay, in their colour groups, and read the new ones with a weight of 0; the new ones begin as those of a new
network do (seed 1), and so learn at once what the others then make use of. The Python package of this project must be installed,
or PYTHONPATH and PIXELRNN_LIBRARY name python/ and build/libpixelrnn.so.
"""

import sys

import numpy as np
import pixelrnn


def places(old, new, channels, blocks):
    """Where `old` features go among `new` ones: both are blocks (the gates of an LSTM, else one) of a part a colour."""
    if old == new:
        return np.arange(old)
    parts, inner = blocks * channels, np.arange(old // (blocks * channels))
    return np.concatenate([part * (new // parts) + inner for part in range(parts)])


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    model = pixelrnn.load(sys.argv[1])
    config, channels = model.config, model.config["channels"]
    if not (sys.argv[2].isdecimal() and sys.argv[3].isdecimal()):
        sys.exit(__doc__)
    hidden, head = int(sys.argv[2]), int(sys.argv[3])
    if hidden % channels or head % channels or hidden < config["hidden"] or head < config["head"]:
        sys.exit(f"HIDDEN and HEAD must be multiples of {channels}, and not below {config['hidden']} and {config['head']}")
    wide = pixelrnn.Model(**{**config, "hidden": hidden, "head": head}, seed=1)

    tensors = wide.state_dict()
    for name, values in model.state_dict().items():
        of_gates = "_to_state." in name or (name.endswith(".condition.weight") and config["kind"] != "cnn")
        at = [places(old, new, channels, 4 if side == 0 and of_gates else 1)
              for side, (old, new) in enumerate(zip(values.shape, tensors[name].shape))]
        tensors[name][at[0]] = 0
        tensors[name][np.ix_(*at)] = values
    wide.load_state_dict(tensors)
    wide.save(sys.argv[4])


if __name__ == "__main__":
    try:
        main()
    except pixelrnn.Error as error:
        sys.exit(f"widen.py: {error}")
