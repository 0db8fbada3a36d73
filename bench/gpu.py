"""Runs selfstream, PyTorch and JAX in turn on one GPU, and prints medians and ratios; see gpu.sh."""

import argparse
import collections
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

# Encoder, pixels, images in a batch, steps that are timed. An image is two views.
WORKS = [("resnet50", 224, 128, 100), ("resnet18-small", 32, 512, 300)]
SMOKE = [("tiny", 32, 8, 4), ("tiny", 16, 8, 4)]
FED_STEPS, SMOKE_FED_STEPS = 1500, 60


def run(command):
    """The standard output of a command, or None with its complaint shown."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as e:
        why = getattr(e, "stderr", None) or str(e)
        print(f"leaving out {' '.join(command)}:\n{why.strip()[-2000:]}", file=sys.stderr)
        return None


def peer(script, work, precision):
    """Images per second of a peer's script."""
    encoder, size, batch, steps = work
    out = run([sys.executable, f"{HERE}/{script}", "--encoder", encoder, "--size", str(size), "--batch", str(batch),
               "--steps", str(steps), "--precision", precision])
    return out and float(re.search(r"([\d.]+) images/s", out).group(1))


def synthetic(a, work, precision):
    """Images per second of selfstream on one batch, which is brought to the device for each step."""
    encoder, size, batch, steps = work
    out = run([a.selfstream, "compare", "--backends", a.backend, "--precisions", precision, "--methods", "simclr", "--encoder", encoder,
               "--image-size", str(size), "--batch", str(batch), "--compare", "3", "--steps", str(steps + 3)])
    return out and float(re.search(r"\| (\d+) \|\s*$", out).group(1))


def fed(a, work, precision):
    """Images per second of selfstream fed by augmenters on all cores, and the share of time that it waits for them, in
    the second half of a run: medians of its metrics."""
    encoder, size, batch, _ = work
    steps = SMOKE_FED_STEPS if a.smoke else FED_STEPS
    with tempfile.TemporaryDirectory() as state:
        data = ["--data", a.photos] if a.photos else []
        out = run([a.selfstream, "up", "--state", state, "--nats-port", "0", "--s3-port", "0", "--http-port", "0", "--until-done", "--name", "fed",
                   "--backend", a.backend, "--precision", precision, "--method", "simclr", "--encoder", encoder, "--image-size", str(size),
                   "--batch", str(batch), "--steps", str(steps), "--snapshot-every", str(steps), *data])
        if out is None:
            return None, None
        with open(f"{state}/s3/runs/fed/curve.json") as f:
            points = [p for p in json.load(f)["points"] if p["step"] > steps / 2 and p["state"] == "running"]
    return tuple(statistics.median(p[key] for p in points) for key in ("images_per_second", "wait_share"))


def measure(a):
    """The rates by work and name, a list of one for each round, and the shares of waiting."""
    rates, waits = collections.defaultdict(list), []

    def add(work, name, rate):
        if rate:
            rates[work, name].append(rate)
    for _ in range(a.rounds):
        for work in a.works:
            add(work, "PyTorch", peer("gpu_torch.py", work, "bfloat16"))
            add(work, "JAX", peer("gpu_jax.py", work, "bfloat16"))
            add(work, "selfstream, float32", synthetic(a, work, "float32"))
            add(work, "selfstream", synthetic(a, work, "bfloat16"))
        rate, wait = fed(a, a.works[-1], "bfloat16")
        add(a.works[-1], "selfstream, fed", rate)
        if wait is not None:
            waits.append(wait)
    return rates, waits


def table(a, rates, waits):
    others = ["PyTorch", "JAX", "selfstream"]
    print(f"| encoder | | images/s, median of {a.rounds} |" + "".join(f" ÷ {name} |" for name in others))
    print("|---|---|---|" + "---|" * len(others))
    for (work, name), have in rates.items():
        cells = []
        for other in others:
            beside = rates.get((work, other), [])
            same = name == other or len(beside) != len(have)
            cells.append("" if same else f"{statistics.median(x / y for x, y in zip(have, beside)):.2f}")
        print(f"| {work[0]} at {work[1]} px, batch {work[2]} | {name} | {statistics.median(have):.0f} | " + " | ".join(cells) + " |")
    if waits:
        print(f"\nFed by augmenters, the trainer waits for {100 * statistics.median(waits):.1f} % of its time.")


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--selfstream", default="./selfstream", help="the binary")
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--photos", help="folder of photos for the augmenters; without, they get drawn ones of 96 pixels")
    args.add_argument("--backend", default="xla:cuda")
    args.add_argument("--smoke", action="store_true", help="everything in a small size on the processor")
    a = args.parse_args()
    a.works = WORKS
    if a.smoke:
        a.backend, a.works, a.rounds = "go", SMOKE, 1
    card = run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]) if not a.smoke else "no GPU: a smoke test"
    version = run([a.selfstream, "version"])
    if version is None:
        sys.exit(f"{a.selfstream} does not run: build it with cgo, and name it with --selfstream")
    print(f"{(card or 'unknown card').strip()}, {os.cpu_count()} cores, {version.strip()}\n")
    table(a, *measure(a))


if __name__ == "__main__":
    main()
