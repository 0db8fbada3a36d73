"""Two SimCLR views of each photo with torchvision on PIL images.

    apt-get install python3-torchvision python3-pil
    SELFSTREAM_PHOTOS=folder taskset -c 0 python3 bench/simclr_torchvision.py
"""

import io

import numpy
import torch
from PIL import Image
from torchvision import transforms

from photos import measure

torch.set_num_threads(1)


def recipe(size):
    # The kernel is a tenth of the view, as in SimCLR, and odd.
    return transforms.Compose([
        transforms.RandomResizedCrop(size, scale=(0.2, 1.0)),
        transforms.RandomHorizontalFlip(),
        transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
        transforms.RandomGrayscale(0.2),
        transforms.RandomApply([transforms.GaussianBlur(size // 10 // 2 * 2 + 1, (0.1, 2.0))], p=0.5),
    ])


recipes = {}


def two_views(file, size):
    view = recipes.setdefault(size, recipe(size))
    image = Image.open(io.BytesIO(file)).convert("RGB")
    return numpy.asarray(view(image)), numpy.asarray(view(image))


if __name__ == "__main__":
    torch.manual_seed(1)
    measure("torchvision", two_views)
