"""Two SimCLR views of each photo with OpenCV, as albumentations makes them.

    apt-get install python3-opencv
    SELFSTREAM_PHOTOS=folder taskset -c 0 python3 bench/simclr_opencv.py
"""

import math
import random

import cv2
import numpy

from photos import measure

cv2.setNumThreads(1)
LEVELS = numpy.arange(256, dtype=numpy.float32)
uniform = random.uniform


def crop(image, size):
    h, w = image.shape[:2]
    for _ in range(10):
        area = w * h * uniform(0.2, 1.0)
        ratio = math.exp(uniform(math.log(3 / 4), math.log(4 / 3)))
        bw, bh = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if bw <= w and bh <= h:
            x, y = random.randint(0, w - bw), random.randint(0, h - bh)
            break
    else:
        bw = bh = min(w, h)
        x, y = (w - bw) // 2, (h - bh) // 2
    box = image[y:y + bh, x:x + bw]
    # cv2.INTER_LINEAR takes 2×2 pixels, whatever the scale: INTER_AREA is what
    # keeps its users' small views free of aliasing.
    shrinks = bw > size and bh > size
    return cv2.resize(box, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def table(image, levels):
    return cv2.LUT(image, numpy.clip(levels, 0, 255).astype(numpy.uint8))


def brightness(image):
    return table(image, LEVELS * uniform(0.6, 1.4))


def contrast(image):
    factor, mean = uniform(0.6, 1.4), cv2.mean(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))[0]
    return table(image, LEVELS * factor + mean * (1 - factor))


def saturation(image):
    factor, gray = uniform(0.6, 1.4), cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(image, factor, gray, 1 - factor, 0)


def hue(image):
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)  # hue has 180 parts
    hsv[..., 0] = cv2.LUT(hsv[..., 0], ((LEVELS + 180 * uniform(-0.1, 0.1)) % 180).astype(numpy.uint8))
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


JITTER = [brightness, contrast, saturation, hue]


def view(image, size):
    out = crop(image, size)
    if random.random() < 0.5:
        out = cv2.flip(out, 1)
    if random.random() < 0.8:
        for adjust in random.sample(JITTER, 4):
            out = adjust(out)
    if random.random() < 0.2:
        out = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if random.random() < 0.5:
        kernel = size // 10 // 2 * 2 + 1
        out = cv2.GaussianBlur(out, (kernel, kernel), uniform(0.1, 2.0))
    return out


def two_views(file, size):
    image = cv2.imdecode(numpy.frombuffer(file, numpy.uint8), cv2.IMREAD_COLOR)
    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return view(image, size), view(image, size)


if __name__ == "__main__":
    random.seed(1)
    measure("opencv", two_views)
