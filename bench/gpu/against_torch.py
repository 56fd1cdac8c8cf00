#!/usr/bin/env python3
"""pixelrnn against PyTorch on a GPU: training of the paper's CIFAR-10 networks, in turns; a markdown table.

  bench/gpu/against_torch.py --program build/pixelrnn --batches 16,128
  bench/gpu/against_torch.py --device opencl --torch-device cpu --hidden 16 --layers 2 --head 32   # tries the script

Each turn is a process of pixelrnn (fp32, then bf16) and one of PyTorch (bf16 by autocast, without and with
torch.compile), with images of random levels. Images a second: of pixelrnn those of its own log, of PyTorch the
clock around steps that are waited for; of each the median over the steps after warm-up, and of these the median
over turns. FLOPs are those of the convolutions without what masks close (3 times those of a forward pass); the
peak is that of a product of 8192 x 8192 matrices in bf16, measured in the same run. Without PyTorch, or a device
for it, there are only our numbers.
"""
import argparse
import csv
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
LAYERS = {"row": 12, "diagonal": 12, "cnn": 15}
SIDE, CHANNELS, LEVELS = 32, 3, 256


def arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--program", default=str(HERE.parent.parent / "build/pixelrnn"))
    ap.add_argument("--device", default="cuda", help="pixelrnn's (default: cuda)")
    ap.add_argument("--torch-device", default="cuda", help="default: cuda")
    ap.add_argument("--kinds", default="row,diagonal,cnn")
    ap.add_argument("--batches", default="16,128")
    ap.add_argument("--steps", type=int, default=12, help="timed in each turn, after 4 (default: 12)")
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--hidden", type=int, default=128)
    ap.add_argument("--head", type=int, default=1024)
    ap.add_argument("--layers", type=int, help="default: as in the paper, 12, 12 and 15")
    ap.add_argument("--no-compile", action="store_true", help="PyTorch without torch.compile only")
    ap.add_argument("--peer", help=argparse.SUPPRESS)  # a turn of PyTorch, in a process of its own
    return ap.parse_args()


def layers_of(a, kind):
    return a.layers or LAYERS[kind]


# ---------------------------------------------------------------------------------------- pixelrnn
def write_images(path, count):
    import random
    shape = (count, SIDE, SIDE, CHANNELS)
    header = repr({"descr": "|u1", "fortran_order": False, "shape": shape}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
        f.write(random.Random(1).randbytes(count * SIDE * SIDE * CHANNELS))


def ours(a, kind, batch, precision):
    """Images a second, or why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "images.npy"
        write_images(data, 2 * batch)
        r = subprocess.run([a.program, "train", "--data", data, "--kind", kind, "--hidden", str(a.hidden), "--head",
                            str(a.head), "--layers", str(layers_of(a, kind)), "--batch", str(batch), "--steps",
                            str(a.steps + 4), "--log-every", "1", "--device", a.device, "--precision", precision,
                            "--quiet", "--out", f"{folder}/run"], capture_output=True, text=True)
        if r.returncode:
            return r.stderr.strip().splitlines()[-1] if r.stderr else f"exit code {r.returncode}"
        rows = list(csv.DictReader(open(f"{folder}/run/metrics.csv")))
        return statistics.median(float(row["images_per_second"]) for row in rows[4:4 + a.steps])


# ----------------------------------------------------------------------------------------- PyTorch
def peer(a):
    """One turn, in a process of its own: prints images a second, MFLOP of an image, and the peak in TFLOP/s."""
    kind, batch, compiled = a.peer.split(",")
    sys.path.insert(0, str(HERE.parent / "peer"))
    import torch
    import pixelrnn_peer as P
    cuda = a.torch_device.startswith("cuda")

    def wait():
        if cuda:
            torch.cuda.synchronize()

    torch.manual_seed(0)
    net = P.PixelRNN({"diagonal": "diag"}.get(kind, kind), CHANNELS, a.hidden, layers_of(a, kind), a.head, LEVELS)
    mflop = 3 * P.forward_flops(net, SIDE, SIDE)["needed"] / 1e6
    net = net.to(a.torch_device)
    forward = torch.compile(net) if compiled == "compiled" else net
    optimizer = P.make_optimizer(net)
    v = torch.randint(0, LEVELS, (int(batch), CHANNELS, SIDE, SIDE), device=a.torch_device)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda" if cuda else "cpu", dtype=torch.bfloat16):
            logits = forward(P.scale(v, LEVELS))
        P.nll(logits.float(), v).mean().backward()
        optimizer.step()

    seconds = []
    for _ in range(a.steps + 4):
        wait()
        start = time.perf_counter()
        step()
        wait()
        seconds.append(time.perf_counter() - start)
    n = 8192 if cuda else 512
    x = torch.randn(n, n, device=a.torch_device, dtype=torch.bfloat16)
    best = float("inf")
    for _ in range(10):
        wait()
        start = time.perf_counter()
        x @ x
        wait()
        best = min(best, time.perf_counter() - start)
    print(int(batch) / statistics.median(seconds[4:]), mflop, 2 * n**3 / best / 1e12)


def theirs(a, kind, batch, compiled):
    command = [sys.executable, __file__, "--peer", f"{kind},{batch},{compiled}"]
    for name in ("torch-device", "steps", "hidden", "head", "layers"):
        value = getattr(a, name.replace("-", "_"))
        if value is not None:
            command += [f"--{name}", str(value)]
    r = subprocess.run(command, capture_output=True, text=True)
    if r.returncode:
        return r.stderr.strip().splitlines()[-1], None, None
    return tuple(float(x) for x in r.stdout.split())


# ------------------------------------------------------------------------------------------- table
def cell(values, mflop=None, peak=None):
    numbers = [x for x in values if isinstance(x, float)]
    if not numbers:
        return "none: " + str(values[0])[:60]
    speed = statistics.median(numbers)
    share = f" ({100 * speed * mflop / 1e6 / peak:.0f} %)" if mflop and peak else ""
    return f"{speed:.0f}{share}"


def main():
    a = arguments()
    if a.peer:
        return peer(a)
    ways = ("eager",) if a.no_compile else ("eager", "compiled")
    print("| network | batch | pixelrnn fp32 | pixelrnn bf16 (of the peak) | " +
          " | ".join(f"PyTorch bf16, {way}" for way in ways) + " | peak, TFLOP/s |")
    print("|---|---|---|---|" + "---|" * len(ways) + "---|")
    for kind in a.kinds.split(","):
        for batch in map(int, a.batches.split(",")):
            own = {"fp32": [], "bf16": []}
            other = {way: [] for way in ways}
            mflop, peaks = None, []
            for _ in range(a.rounds):
                for precision in own:
                    own[precision].append(ours(a, kind, batch, precision))
                for way in ways:
                    speed, m, peak = theirs(a, kind, batch, way)
                    other[way].append(speed)
                    mflop = m or mflop
                    peaks += [peak] if peak else []
            peak = statistics.median(peaks) if peaks else None
            cells = [kind, batch, cell(own["fp32"]), cell(own["bf16"], mflop, peak)]
            cells += [cell(other[way], mflop, peak) for way in ways]
            print("| " + " | ".join(map(str, cells)) + f" | {f'{peak:.0f}' if peak else 'none'} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
