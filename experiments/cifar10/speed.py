#!/usr/bin/env python3
"""How fast the three kinds are at the paper's sizes for CIFAR-10 (12 layers of 128, the cnn 15, head 1024, 256 levels), with random
weights: training in batches of 4, evaluating 16 images and drawing 16, in fp32 and, where the processor has it, in bf16.

    experiments/cifar10/speed.py [OUT]      OUT: a folder (default runs/cifar10)

Writes OUT/speed.md and OUT/speed.svg. SECONDS_EACH (default 10) is how long each is measured; nothing else should be running.
BENCH names the benchmark (default build/bench/pixelrnn-bench; make bench builds it).
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

KINDS = {"h": "diagonal, 12 layers", "g": "row, 12 layers", "f": "cnn, 15 layers"}
PARTS = {"train": "training", "evaluate": "evaluation", "sample": "sampling"}
COLOURS = {"fp32": "#4477aa", "bf16": "#ee6677"}


def measure(bench, precision):
    """{(kind, part): (images a second, % of the peak)}; nothing where the processor does not have the precision."""
    command = [bench, "--cases", "".join(KINDS), "--parts", "train,eval,sample", "--precision", precision, "--json"]
    command += ["--seconds", os.environ.get("SECONDS_EACH", "10")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0 and precision == "fp32":
        sys.exit(f"{bench} failed")
    found = {}
    for line in map(json.loads, done.stdout.splitlines() if done.returncode == 0 else ()):
        if "case" in line and line["images"] > 1:
            found[line["case"], line["part"]] = line["images_per_s"], line["percent_of_peak"]
    return found


def table(rates):
    yield "| images a second (of the peak) | | " + " | ".join(PARTS.values()) + " |"
    yield "|---" * (2 + len(PARTS)) + "|"
    for kind, name in KINDS.items():
        for precision, found in rates.items():
            cells = [f"{found[kind, part][0]:.1f} ({found[kind, part][1]:.0f} %)" for part in PARTS]
            yield f"| {name} | {precision} | " + " | ".join(cells) + " |"


def bars(rates):
    """Lengths are by the square root, since drawing and training differ tenfold."""
    most = max(rate for found in rates.values() for rate, _ in found.values())
    body, y = [], 30
    for part, heading in PARTS.items():
        body.append(f'<text x="10" y="{y + 11}" font-weight="bold">{heading}</text>')
        for kind, name in KINDS.items():
            body.append(f'<text x="215" y="{y + 11}" text-anchor="end">{name}</text>')
            for precision, found in rates.items():
                rate = found[kind, part][0]
                width = 380 * (rate / most) ** 0.5
                body.append(f'<rect x="225" y="{y}" width="{width:.1f}" height="14" fill="{COLOURS[precision]}"/>')
                body.append(f'<text x="{230 + width:.1f}" y="{y + 11}">{rate:.1f}</text>')
                y += 16
            y += 6
        y += 8
    legend = ", ".join(f'<tspan fill="{COLOURS[p]}">{p}</tspan>' for p in rates)
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="665" height="{y}" font-family="sans-serif" font-size="12">'
    yield '<rect width="100%" height="100%" fill="white"/>'
    yield f'<text x="225" y="18">images a second: {legend} (lengths by the square root)</text>'
    yield from body
    yield "</svg>"


def main():
    os.chdir(Path(__file__).parents[2])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default="runs/cifar10", metavar="OUT", help="a folder")
    out = parser.parse_args().out
    bench = os.environ.get("BENCH", "build/bench/pixelrnn-bench")
    if not os.access(bench, os.X_OK):
        sys.exit(f"{bench} is not there: make bench builds it, or BENCH names another")
    rates = {precision: found for precision in COLOURS if (found := measure(bench, precision))}
    out.mkdir(parents=True, exist_ok=True)
    for name, lines in ("speed.md", table(rates)), ("speed.svg", bars(rates)):
        (out / name).write_text("\n".join(lines) + "\n")
    print((out / "speed.md").read_text() + f"{out}/speed.md, {out}/speed.svg")


if __name__ == "__main__":
    main()
