#!/usr/bin/env python3
"""pixelrnn against PyTorch, on this machine: both in turns, in several rounds; a markdown table of medians.

  make bench ARGS=--help                      # builds build/bench/pixelrnn-bench
  python3 bench/against_torch.py --cases ac   # with a Python that has torch and numpy

The peer (bench/peer/) is what a PyTorch user would write: masked conv2d, a Python loop over the rows or
diagonals, RMSprop; sampling is a forward pass per value, of which a few are timed and multiplied. A training
step is the same work on both sides: gradient and update of a batch of the same size. Evaluation is images per
second, of 16 images here and of the training batch there.

Times of two threads vary, and a busy machine hurts PyTorch most: compare on an idle one.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PARTS = ("train", "eval", "sample")
#           key         what                        unit, and whether more is better
MEASURES = (("train", "training", "images/s", True),
            ("eval", "evaluation", "images/s", True),
            ("sample16", "16 samples", "s", False),
            ("sample1", "1 sample", "s", False))


def own_cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--bench", default=str(HERE.parent / "build/bench/pixelrnn-bench"), metavar="PROGRAM")
    ap.add_argument("--cases", default="abcdef", help="networks, of abcdef (default: all)")
    ap.add_argument("--parts", default=",".join(PARTS), help="of train,eval,sample (default: all)")
    ap.add_argument("--rounds", type=int, default=3, help="default: 3")
    ap.add_argument("--threads", type=int, default=own_cores(), help="of both (default: one per core)")
    ap.add_argument("--seconds", type=float, default=5, help="of each measurement of either (default: 5)")
    ap.add_argument("--sample-seconds", type=float, default=5, help="the same, of the peer's samples (default: 5)")
    ap.add_argument("--variant", default="base", help="of the peer; peer/bench_torch.py --help (default: base)")
    ap.add_argument("--precision", default="fp32", help="of pixelrnn's products: fp32 (default) or bf16")
    ap.add_argument("--cpu", default="auto", help="pixelrnn's instruction set (default: auto)")
    a = ap.parse_args()
    a.parts = a.parts.split(",")
    if not a.cases or set(a.cases) - set("abcdef"):
        ap.error("--cases: choose letters from abcdef")
    if set(a.parts) - set(PARTS):
        ap.error("--parts: choose from train,eval,sample")
    if a.rounds < 1 or a.threads < 1:
        ap.error("--rounds and --threads: 1 or more")
    return a


def check(a):
    missing = [name for name in ("torch", "numpy") if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit("%s has no %s: apt-get install python3-torch python3-numpy (Debian), or pip install torch numpy, "
                 "and run this with the Python that has them" % (sys.executable, " and no ".join(missing)))
    if not os.access(a.bench, os.X_OK):
        sys.exit("%s is not there: build it with  make bench ARGS=--help" % a.bench)


def busy_seconds():
    """what all processors have worked so far, and what this process and its children have; None: unknown"""
    try:
        with open("/proc/stat") as stat:
            f = [int(x) for x in stat.readline().split()[1:9]]
    except OSError:
        return None
    t = os.times()
    own = t.user + t.system + t.children_user + t.children_system
    return (sum(f) - f[3] - f[4]) / os.sysconf("SC_CLK_TCK") - own


def run(command, others):
    """JSON objects that a command prints; appends to `others` how many cores other processes used meanwhile"""
    before, began = busy_seconds(), time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit("failed with status %d: %s" % (done.returncode, " ".join(command)))
    if before is not None:
        others.append((busy_seconds() - before) / (time.perf_counter() - began))
    return [json.loads(line) for line in done.stdout.splitlines()]


def run_peer(a, case, others):
    # -B: no __pycache__ in the source folder.
    got, = run([sys.executable, "-B", str(HERE / "peer/bench_torch.py"), "--cases", case,
                "--parts", ",".join(a.parts), "--threads", str(a.threads), "--seconds", str(a.seconds),
                "--sample-seconds", str(a.sample_seconds), "--variant", a.variant], others)
    numbers = {part: got[part]["images_per_s"] for part in ("train", "eval") if part in got}
    numbers.update({"sample%d" % n: got["sample_b%d" % n]["s_per_batch"] for n in (1, 16) if "sample_b1" in got})
    return numbers


def run_own(a, case, others):
    numbers = {}
    for line in run([a.bench, "--json", "--cases", case, "--parts", ",".join(a.parts), "--threads", str(a.threads),
                     "--seconds", str(a.seconds), "--precision", a.precision, "--cpu", a.cpu], others):
        if line["part"] == "train":
            numbers["train"] = line["images_per_s"]
        elif line["part"] == "evaluate":
            numbers["eval"] = line["images_per_s"]
        elif line["part"] == "sample":
            numbers["sample%d" % line["images"]] = line["seconds"]
    return numbers


def measure(a):
    """results[case][key]: pairs (peer, own), one a round"""
    results, others = {case: {} for case in a.cases}, []
    for number in range(a.rounds):
        for case in results:
            print("round %d of %d, case %s" % (number + 1, a.rounds, case), file=sys.stderr, flush=True)
            peer, own = run_peer(a, case, others), run_own(a, case, others)
            for key in peer:
                results[case].setdefault(key, []).append((peer[key], own[key]))
    return results, others


def text_of(x):
    return "%.0f" % x if x >= 1000 else "%.3g" % x


def table(a, results):
    print("| case | what | PyTorch | pixelrnn | times as fast (rounds) |")
    print("|---|---|---|---|---|")
    for case, measured in results.items():
        for key, what, unit, more in MEASURES:
            if key not in measured:
                continue
            peer, own = (statistics.median(pair[i] for pair in measured[key]) for i in (0, 1))
            each = [own / peer if more else peer / own for peer, own in measured[key]]
            print("| %s | %s, %s | %s | %s | %s (%s to %s) |" % (
                case, what, unit, text_of(peer), text_of(own), text_of(own / peer if more else peer / own),
                text_of(min(each)), text_of(max(each))))
    print("\n%d threads, medians of %d rounds; pixelrnn in %s; PyTorch %s." % (
        a.threads, a.rounds, a.precision, torch_version()))


def torch_version():
    command = [sys.executable, "-c", "import torch; print(torch.__version__)"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.strip()


def main():
    a = arguments()
    check(a)
    results, others = measure(a)
    table(a, results)
    if others and max(others) > 0.1:
        print("\nOther processes kept up to %.1f cores busy meanwhile (%.1f in the median): measure again without "
              "them." % (max(others), statistics.median(others)), file=sys.stderr)


if __name__ == "__main__":
    main()
