"""Runs our benchmark and the peers in turn on one core, and prints medians and ratios.

    apt-get install python3-pil python3-opencv python3-torchvision
    SELFSTREAM_PHOTOS=folder python3 bench/compare.py [ROUNDS]

SIZES="224 96" measures these sizes alone, CORE=1 takes another core, BY=cpu-s
compares by processor time: for machines that have more to do.
"""

import collections
import os
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)


def contenders(folder):
    """The commands, by name: what peers of Debian's packages are here, and our own two builds."""
    sizes = os.environ.get("SIZES", "224 96 32").split()
    pinned = ["taskset", "-c", os.environ.get("CORE", "0")]
    commands = {}
    for name, modules in {"opencv": "cv2", "torchvision": "torchvision, PIL"}.items():
        if subprocess.run([sys.executable, "-c", f"import {modules}"], capture_output=True).returncode:
            print(f"leaving {name} out: {sys.executable} has no {modules}", file=sys.stderr)
        else:
            commands[name] = [*pinned, sys.executable, f"{HERE}/simclr_{name}.py"]
    for name, experiment in {"selfstream": "simd", "selfstream, no SIMD": "nosimd"}.items():
        test = os.path.join(folder, name)
        env = {**os.environ, "GOEXPERIMENT": experiment}
        subprocess.run(["go", "test", "-c", "-vet=off", "-o", test, "./augmenter"], cwd=ROOT, env=env, check=True)
        pattern = "SimCLRPhoto/size=(" + "|".join(sizes) + ")$"
        commands[name] = [*pinned, test, "-test.run=^$", "-test.bench=" + pattern, "-test.benchtime=4s", "-test.cpu=1"]
    return commands


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    unit = "images/" + os.environ.get("BY", "s")
    rates = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        commands = contenders(folder)
        for _ in range(rounds):
            for name, command in commands.items():
                out = subprocess.run(command, cwd=f"{ROOT}/augmenter", check=True, capture_output=True, text=True).stdout
                for size, rate in re.findall(rf"/size=(\d+)\s.*?([\d.]+) {re.escape(unit)}\b(?!-)", out):
                    rates[int(size), name].append(float(rate))
    peers = [name for name in commands if not name.startswith("selfstream")]
    print(f"| size | | {unit}, median of {rounds} |" + "".join(f" ÷ {peer} |" for peer in peers))
    print("|---|---|---|" + "---|" * len(peers))
    for (size, name), have in sorted(rates.items(), key=lambda item: -item[0][0]):
        ratios = []
        for peer in peers:
            in_turn = zip(have, rates[size, peer])
            ratios.append(f" {statistics.median(a / b for a, b in in_turn):.2f} |" if peer != name else " |")
        print(f"| {size} px | {name} | {statistics.median(have):.0f} |" + "".join(ratios))


if __name__ == "__main__":
    main()
