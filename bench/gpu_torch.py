"""SimCLR's training step in PyTorch, as `selfstream compare` makes it: two views of each image in one pass,
AdamW, NT-Xent, channels_last, bfloat16, torch.compile.

    python3 bench/gpu_torch.py [--encoder resnet50] [--size 224] [--batch 128] [--steps 100] [--precision bfloat16]

The batch is drawn once and stays on the device. Prints images per second; an
image is two views.
"""

import contextlib
import time

import torch
from torch import nn
from torch.nn import functional as F

from step import flags


class Block(nn.Module):
    """torchvision's basic block, or its bottleneck."""

    def __init__(self, width_in, width, stride, bottleneck):
        super().__init__()
        out = 4 * width if bottleneck else width
        if bottleneck:
            self.body = nn.Sequential(*conv(width_in, width, 1), nn.ReLU(), *conv(width, width, 3, stride), nn.ReLU(), *conv(width, out, 1))
        else:
            self.body = nn.Sequential(*conv(width_in, width, 3, stride), nn.ReLU(), *conv(width, out, 3))
        same = stride == 1 and width_in == out
        self.short = nn.Identity() if same else nn.Sequential(*conv(width_in, out, 1, stride))

    def forward(self, x):
        return F.relu(self.body(x) + self.short(x))


def conv(width_in, out, kernel, stride=1):
    return [nn.Conv2d(width_in, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out)]


def encoder(name):
    """The network and the width of its features: "resnet18" or "resnet50", also with "-small" behind it, or "tiny"."""
    if name == "tiny":
        layers, width = [], 3
        for out in (16, 32, 64, 128):
            layers += [*conv(width, out, 3, 2), nn.ReLU()]
            width = out
        return nn.Sequential(*layers), width
    depth, _, small = name.removeprefix("resnet").partition("-")
    depths, bottleneck = {"18": ((2, 2, 2, 2), False), "50": ((3, 4, 6, 3), True)}[depth]
    layers = [*conv(3, 64, 3), nn.ReLU()] if small else [*conv(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    width = 64
    for stage, blocks in enumerate(depths):
        for i in range(blocks):
            layers.append(Block(width, 64 << stage, 2 if stage and not i else 1, bottleneck))
            width = (64 << stage) * (4 if bottleneck else 1)
    return nn.Sequential(*layers), width


class SimCLR(nn.Module):
    """Bytes of two views [2N, S, S, 3] to the loss."""

    def __init__(self, name):
        super().__init__()
        self.encoder, dim = encoder(name)
        self.projector = nn.Sequential(nn.Linear(dim, dim, bias=False), nn.BatchNorm1d(dim), nn.ReLU(), nn.Linear(dim, 128, bias=False))
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1) * 255)

    def forward(self, images):
        x = (images.permute(0, 3, 1, 2).float() - self.mean) / self.std  # a view of NHWC, so channels_last
        z = F.normalize(self.projector(self.encoder(x).mean((2, 3))).float())
        with torch.autocast(images.device.type, enabled=False):
            similarity = z @ z.T / 0.2
            n = len(z)
            similarity = similarity.masked_fill(torch.eye(n, dtype=torch.bool, device=z.device), float("-inf"))
            partner = (torch.arange(n, device=z.device) + n // 2) % n
            return F.cross_entropy(similarity, partner)


def main():
    a = flags(__doc__)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(1)
    torch.backends.cudnn.benchmark = True
    if hasattr(torch, "set_float32_matmul_precision"):
        torch.set_float32_matmul_precision("high")  # TF32, as XLA on such a GPU
    net = SimCLR(a.encoder).to(device, memory_format=torch.channels_last)
    compiled = device == "cuda" and hasattr(torch, "compile")
    forward = torch.compile(net) if compiled else net
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-4, **({"fused": True} if compiled else {}))
    images = torch.randint(0, 256, (2 * a.batch, a.size, a.size, 3), dtype=torch.uint8).to(device)
    half = torch.autocast(device, dtype=torch.bfloat16) if a.precision == "bfloat16" else contextlib.nullcontext()

    def step():
        with half:
            loss = forward(images)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss

    def wait():
        if device == "cuda":
            torch.cuda.synchronize()

    for _ in range(min(10, a.steps)):
        step()
    wait()
    start = time.perf_counter()
    for _ in range(a.steps):
        loss = step()
    wait()
    took = time.perf_counter() - start
    where = torch.cuda.get_device_name() if device == "cuda" else f"cpu, {torch.get_num_threads()} threads"
    how = "compiled" if compiled else "eager"
    print(f"torch {torch.__version__} ({where}, {how}), {a.encoder} at {a.size} pixels, {a.precision}, loss {loss.item():.4f}\t{a.steps * a.batch / took:.1f} images/s")


if __name__ == "__main__":
    main()
