"""A training step of the tiny encoder in PyTorch on the CPU, as BenchmarkTiny of trainer/encoder.

    apt-get install python3-torch
    python3 bench/tiny_torch.py [IMAGES] [SIZE]

IMAGES (256) of SIZE (64) pixels go through as two views of half of them. Prints
images per second, and per second of processor time for machines that have more
to do.
"""

import sys
import time

import torch
from torch import nn


def tiny():
    """Four 3×3 convolutions of stride 2, each with batch normalisation and ReLU."""
    layers, width = [], 3
    for out in (16, 32, 64, 128):
        layers += [nn.Conv2d(width, out, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
        width = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def main():
    images, size = (int(a) for a in (sys.argv[1:] + ["256", "64"][len(sys.argv) - 1:]))
    torch.manual_seed(1)
    net = tiny().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    views = [torch.randint(0, 256, (images // 2, size, size, 3), dtype=torch.uint8) for _ in range(2)]

    def step():
        x, y = (net((v.permute(0, 3, 1, 2).float() / 255 - mean) / std) for v in views)
        loss = (x - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    step()
    steps, wall, cpu = 0, time.perf_counter(), time.process_time()
    while steps < 5 or time.perf_counter() - wall < 4:
        step()
        steps += 1
    wall, cpu, done = time.perf_counter() - wall, time.process_time() - cpu, steps * (images // 2 * 2)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\t{steps} steps\t{done / wall:.1f} images/s\t{done / cpu:.1f} images/cpu-s")


if __name__ == "__main__":
    main()
