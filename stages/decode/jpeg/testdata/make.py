"""Draws files of all kinds that the decoder knows. Needs Debian's libjpeg-turbo-progs.

The drawing has odd sides, smooth parts, edges and noise: codes of all lengths.
"""
import random
import subprocess

W, H = 61, 43
random.seed(1)
pixels = bytearray()
for y in range(H):
    for x in range(W):
        smooth = [255 * x // W, 255 * y // H, 128 + 64 * ((x // 8 + y // 8) % 2)]
        noise = 60 if x > 40 and y > 20 else 6
        pixels += bytes(min(255, max(0, v + random.randint(-noise, noise))) for v in smooth)
open("/tmp/drawing.ppm", "wb").write(b"P6 %d %d 255\n" % (W, H) + pixels)

for name, options in {
    "444": "-sample 1x1 -quality 95",
    "422": "-sample 2x1 -quality 90 -optimize",
    "420": "-sample 2x2 -quality 75",
    "440": "-sample 1x2 -quality 50",
    "411": "-sample 4x1 -quality 75",
    "444-pairs": "-sample 2x1,2x1,2x1 -quality 80",
    "best": "-sample 1x1 -quality 100 -optimize",
    "worst": "-sample 2x2 -quality 1",
    "restart": "-sample 2x2 -quality 75 -restart 1B",
    "restart-rows": "-sample 1x1 -quality 75 -restart 2",
    "gray": "-grayscale -quality 90",
    "rgb": "-rgb -quality 90",
    "progressive": "-progressive -sample 2x2 -quality 80",
    "progressive-444": "-progressive -sample 1x1 -quality 98",
    "progressive-restart": "-progressive -sample 1x1 -quality 80 -restart 1",
    "progressive-gray": "-progressive -grayscale -quality 80",
}.items():
    with open(f"{name}.jpg", "wb") as out:
        subprocess.run(["cjpeg", *options.split(), "/tmp/drawing.ppm"], stdout=out, check=True)

# Each colour in a scan of its own.
open("/tmp/scans.txt", "w").write("0;\n1;\n2;\n")
with open("scans.jpg", "wb") as out:
    subprocess.run(["cjpeg", "-sample", "2x2", "-scans", "/tmp/scans.txt", "/tmp/drawing.ppm"], stdout=out, check=True)
