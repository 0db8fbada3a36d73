"""Draws the files that Go cannot encode. Needs Debian's python3-pil.

The drawing is 48 pixels wide and 32 high: red and green above, blue and white
below, each a quarter.
"""
from PIL import Image, ImageChops
import numpy as np

colors = np.array([[[230, 20, 30], [20, 160, 40]], [[30, 40, 200], [250, 250, 250]]], np.uint8)
pixels = colors.repeat(16, 0).repeat(24, 1)
drawing = Image.fromarray(pixels)

drawing.save("progressive.jpg", progressive=True, quality=95)
drawing.save("lossy.webp", quality=95)
drawing.save("lossless.webp", lossless=True)
Image.fromarray(np.dstack([pixels, np.full((32, 48), 99, np.uint8)])).save("alpha.webp", quality=95)

# CMYK as Adobe writes it: inverted, and marked by APP14.
cmyk = 255 - pixels
cmyk = np.dstack([cmyk, np.full((32, 48), 20, np.uint8)])
Image.fromarray(cmyk, "CMYK").save("cmyk.jpg", quality=95)

# YCCK: the same file with the first three channels as YCbCr, which APP14 tells.
ycc = np.array(Image.fromarray(cmyk[:, :, :3]).convert("YCbCr"))
Image.fromarray(np.dstack([255 - ycc, cmyk[:, :, 3]]), "CMYK").save("ycck.jpg", quality=95)
data = bytearray(open("ycck.jpg", "rb").read())
data[data.index(b"Adobe") + 11] = 2
open("ycck.jpg", "wb").write(data)

# Lying on its side: orientation 6 says that the first row is at the right.
side = drawing.transpose(Image.Transpose.ROTATE_90)
exif = Image.Exif()
exif[0x0112] = 6
side.save("side.webp", lossless=True, exif=exif)
side.save("side.tif", compression="tiff_lzw", tiffinfo={0x0112: 6})
side.save("side.jpg", quality=95, exif=exif)

other = ImageChops.invert(drawing)
drawing.save("animated.webp", save_all=True, append_images=[other], lossless=True)
