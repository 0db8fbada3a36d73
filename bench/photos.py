"""What the peers share: the photos, the message, and the clock."""

import glob
import json
import os
import struct
import sys
import time


def photos():
    """The JPEG files of the folder in SELFSTREAM_PHOTOS, read into memory."""
    folder = os.environ.get("SELFSTREAM_PHOTOS")
    if not folder:
        sys.exit("set SELFSTREAM_PHOTOS to a folder of JPEG photos")
    paths = sorted(glob.glob(os.path.join(folder, "**", "*.jp*g"), recursive=True))
    if not paths:
        sys.exit(f"no *.jpg below {folder}")
    return [open(path, "rb").read() for path in paths]


def message(views):
    """The bytes of a safetensors file with one tensor for each list of arrays."""
    header, end = {}, 0
    for i, arrays in enumerate(views):
        size = sum(a.nbytes for a in arrays)
        shape = [len(arrays), *arrays[0].shape]
        header[f"view{i}"] = {"dtype": "U8", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return b"".join([struct.pack("<Q", len(text)), text, *(a.data for arrays in views for a in arrays)])


def measure(name, two_views, sizes=(224, 96, 32), seconds=4):
    """Prints the images/s of two_views(file, size), messages of 1 MiB included.

    The second number is by processor time, for machines that have more to do.
    """
    files = photos()
    for size in map(int, os.environ.get("SIZES", "").split() or sizes):
        each = max(1, (1 << 20) // (2 * size * size * 3))
        two_views(files[0], size)
        images, wall, cpu = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - wall < seconds or images < len(files):
            batch = [two_views(files[(images + i) % len(files)], size) for i in range(each)]
            message(list(zip(*batch)))
            images += each
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"{name}/size={size}\t{images} images\t{images / wall:.1f} images/s\t{images / cpu:.1f} images/cpu-s", flush=True)
