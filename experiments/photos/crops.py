#!/usr/bin/env python3
"""Square crops of photographs at random places, as a .npy array (n, size, size, channels) of uint8.

    crops.py OUT.npy [--size 32] [--grey] [--seed 1] SOURCE:COUNT[:LEAST[:MOST]]...

SOURCE: a folder of pictures (also in folders below; the same names come in the same order on every machine), or a .npy
array of images, grey or colour. COUNT: how many crops each of its pictures gives. Where LEAST and MOST are given (integers),
each crop is first made smaller by a power of two between them, drawn anew: photographs from cameras and wallpapers are
larger than what they show. Needs numpy and Pillow."""
import argparse
import pathlib
import sys
import numpy
from PIL import Image, ImageOps

KINDS = {".jpg", ".jpeg", ".png", ".webp"}


def pictures(source):
    """The pictures of a folder or an array, in order."""
    if source.suffix == ".npy":
        for values in numpy.load(source, mmap_mode="r"):
            yield Image.fromarray(values.squeeze())
        return
    paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in KINDS)
    if not paths:
        sys.exit(f"{source}: has no pictures")
    for path in paths:
        with Image.open(path) as image:
            yield ImageOps.exif_transpose(image)


def crop(image, size, scale, random):
    """A part of size x size, of the image made smaller by `scale`, or by less where it is too small for that."""
    while scale > 1 and min(image.size) < size * scale:
        scale //= 2
    side = size * scale
    if min(image.size) < side:
        return None
    left, top = (int(random.integers(length - side + 1)) for length in image.size)
    part = image.crop((left, top, left + side, top + side))
    return numpy.asarray(part.reduce(scale) if scale > 1 else part)


def scales(least, most):
    return [2**i for i in range(16) if least <= 2**i <= most]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("sources", nargs="+", metavar="SOURCE:COUNT[:LEAST[:MOST]]")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--grey", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    random = numpy.random.default_rng(args.seed)
    crops = []
    for source in args.sources:
        name, *numbers = source.split(":")
        count, least, most = (int(number) for number in (numbers + ["1", "1", "1"][len(numbers):]))
        most, before, left_out = max(least, most), len(crops), 0
        for image in pictures(pathlib.Path(name)):
            image = image.convert("L" if args.grey else "RGB")
            for _ in range(count):
                part = crop(image, args.size, int(random.choice(scales(least, most))), random)
                if part is None:
                    left_out += 1
                else:
                    crops.append(part)
        print(f"{name}: {len(crops) - before} crops, {left_out} left out, too small for {args.size} x {args.size}")
    crops = numpy.stack(crops)
    numpy.save(args.out, crops[..., None] if args.grey else crops)


if __name__ == "__main__":
    main()
