#!/usr/bin/env python3
"""Images of some classes from a pair of idx files (images and labels, .gz or not), as an idx file.

    split.py IMAGES LABELS CLASSES FIRST COUNT OUT [NOISE]

CLASSES: digits, such as 1 or 023456789. Of each class COUNT images, leaving out the first FIRST, in the order of the
file. NOISE: the probability, of each value, that it is replaced by a random one (a fixed seed)."""
import gzip
import random
import struct
import sys


def read(path, rank):
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data[:4] != bytes((0, 0, 8, rank)):
        sys.exit(f"{path}: is no idx file of bytes with {rank} dimensions")
    return struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank]), data[4 + 4 * rank :]


def main():
    if len(sys.argv) not in (7, 8):
        sys.exit(__doc__)
    images, labels, classes, first, count, out = sys.argv[1:7]
    noise = float(sys.argv[7]) if len(sys.argv) > 7 else 0
    (n, height, width), values = read(images, 3)
    (n_labels,), kinds = read(labels, 1)
    if n != n_labels:
        sys.exit(f"{images} has {n} images, and {labels} {n_labels} labels")
    size, seen, chosen = height * width, {}, bytearray()
    for i in range(n):
        kind = str(kinds[i])
        if kind in classes:
            seen[kind] = seen.get(kind, 0) + 1
            if int(first) < seen[kind] <= int(first) + int(count):
                chosen += values[i * size : (i + 1) * size]
    draw = random.Random(1)
    for i in range(len(chosen) if noise else 0):
        if draw.random() < noise:
            chosen[i] = draw.randrange(256)
    with open(out, "wb") as file:
        file.write(bytes((0, 0, 8, 3)) + struct.pack(">3I", len(chosen) // size, height, width) + chosen)


main()
