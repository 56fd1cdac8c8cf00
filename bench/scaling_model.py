#!/usr/bin/env python3
"""What training by many ranks should reach, MODELLED from a few measured numbers, not measured.

    bench/scaling_model.py --parameters 7e6 --step 1.6 --batch 64 --lanes 64

--step is the time of an update of that batch on one rank, --fixed the part of it that every rank does for all (packing and
updating the weights), both measured by `pixelrnn train` on one machine; --latency and --gbit describe the network. An exchange
is that of docs/scaling.md: a rank sends its nodes of the tree to the owners of slices, and gets the finished slices of all.
Prints images per second and efficiency, strong (the batch stays) and weak (the batch grows with the ranks, up to 65536)."""

import argparse


def nodes_of(lanes, ranks):
    """Most nodes that a rank sends (src/model/lanes.c)."""
    most = 1
    for rank in range(ranks):
        begin, end = rank * lanes // ranks, (rank + 1) * lanes // ranks
        whole, n = (64 if end == lanes else end), 0
        while begin < end:
            size = 1
            while begin % (2 * size) == 0 and begin + 2 * size <= whole:
                size *= 2
            begin += size
            n += 1
        most = max(most, n)
    return most


def exchange(parameters, lanes, ranks, latency, bandwidth):
    """Seconds: nodes go to their owners, slices come back, and there are three short agreements a step."""
    if ranks == 1:
        return 0.0
    part = (ranks - 1) / ranks
    sent = 4 * parameters * part * (nodes_of(lanes, ranks) + 1)
    rounds = (ranks - 1).bit_length()
    return sent / bandwidth + latency * (2 * (ranks - 1) ** 0.5 + 3 * rounds)


def step(a, ranks, images_factor, latency, bandwidth):
    """An update of images_factor times the batch: the rank with most lanes decides."""
    lanes = min(64, a.lanes * images_factor)
    most = -(-lanes // ranks)
    work = (a.step - a.fixed) * images_factor * most / lanes
    return work + a.fixed + exchange(a.parameters, lanes, ranks, latency, bandwidth)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--parameters", type=float, required=True, help="weights of the network")
    p.add_argument("--step", type=float, required=True, help="seconds of an update on one rank")
    p.add_argument("--fixed", type=float, default=0.0, help="of them, those that do not become less with more ranks")
    p.add_argument("--batch", type=int, required=True, help="images of that update")
    p.add_argument("--lanes", type=int, required=True, help="its lanes (64 at most; row and cnn: an image each)")
    p.add_argument("--latency", type=float, default=30e-6, help="seconds of a short message (default %(default)g)")
    p.add_argument("--gbit", type=float, nargs="*", default=[10, 100, 400], help="of the network")
    a = p.parse_args()
    counts = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
    print("MODELLED, not measured: images/s (efficiency)")
    for kind in ("strong", "weak"):
        print(f"\n{kind} scaling, batch {a.batch}" + (" a rank" if kind == "weak" else " in all"))
        print("ranks  " + "".join(f"{g:>14g} Gbit/s" for g in a.gbit))
        for ranks in counts:
            factor = ranks if kind == "weak" else 1
            if a.batch * factor > 65536:
                break
            cells = []
            for gbit in a.gbit:
                speed = a.batch * factor / step(a, ranks, factor, a.latency, gbit * 1e9 / 8)
                cells.append(f"{speed:>13.0f} ({100 * speed * a.step / a.batch / ranks:3.0f} %)")
            print(f"{ranks:>5}  " + "".join(cells))


if __name__ == "__main__":
    main()
