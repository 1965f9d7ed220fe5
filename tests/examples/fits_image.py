"""What astropy makes of FITS images.

`make FOLDER`: for windows of the images that astropy's own tests come with, and of images that it writes here, prints
file, options, and what the window holds, separated by tabs. `check FOLDER`: compares the pictures of them, 0.png and so
on.
"""

import json, math, os, struct, sys, warnings, zlib
from fractions import Fraction

import astropy
import numpy as np
from astropy.io import fits

warnings.simplefilter("ignore")
np.seterr(all="ignore")
random = np.random.default_rng(3)
ROUNDING = 2.0**-53


def written(folder):
    """Files of images of every kind, between tables."""
    numbers = {
        "u1": 8, "i2": 16, "i4": 32, "i8": 64, "f4": -32, "f8": -64,
        # By BZERO.
        "i1": 8, "u2": 16, "u4": 32, "u8": 64,
    }
    for dtype, bitpix in numbers.items():
        hdus = [fits.PrimaryHDU()]
        for shape in [(37, 53), (3, 11, 13), (2, 3, 7, 5), (19,), (300, 270)]:
            if dtype[0] == "f":
                data = (random.normal(size=shape) * 10.0 ** random.integers(-20, 20)).astype(dtype)
                data[random.random(shape) < 0.01 * (len(shape) - 1)] = np.nan
            else:
                data = np.frombuffer(random.bytes(math.prod(shape) * int(dtype[1])), dtype).reshape(shape)
            hdus.append(fits.ImageHDU(data, name=f"{dtype} of {len(shape)}"))
            hdus.append(fits.BinTableHDU.from_columns([fits.Column("x", "J", array=np.arange(1000))]))
        hdus.append(fits.ImageHDU(np.full((4, 6), np.nan if dtype[0] == "f" else 7, dtype)))
        if dtype in ("u1", "i2", "i4", "i8"):
            blanks = fits.ImageHDU(random.integers(0, 9, (41, 23)).astype(dtype))
            blanks.header["BLANK"] = 3
            hdus.append(blanks)
            only = fits.ImageHDU(np.full((5, 5), 3, dtype))
            only.header["BLANK"] = 3
            hdus.append(only)
            for scale, zero in [(0.25, 100.5), (-3e-7, 1e-3), (0.1, 0)]:
                hdu = fits.ImageHDU(zero + scale * random.integers(0, 200, (29, 31)).astype("f8"))
                hdu.scale({"u1": "uint8", "i2": "int16", "i4": "int32", "i8": "int64"}[dtype], bscale=scale, bzero=zero)
                hdus.append(hdu)
        path = os.path.join(folder, f"{dtype}.fits")
        fits.HDUList(hdus).writeto(path)
        for hdu in fits.getheader(path, 1), fits.getheader(path, 3):
            assert hdu["BITPIX"] == bitpix
        yield path


def found():
    for folder, _, files in sorted(os.walk(os.path.dirname(astropy.__file__))):
        for name in sorted(files):
            if name.endswith(".fits"):
                yield os.path.join(folder, name)


def windows(shape):
    """The options for some windows of an image, and the same as an index."""
    yield [], (0,) * (len(shape) - 2) + (...,)
    for _ in range(3):
        plane = [int(random.integers(n)) for n in shape[:-2]]
        height, width = shape[-2:] if len(shape) > 1 else (1, shape[0])
        top, left = int(random.integers(height)), int(random.integers(width))
        bottom, right = int(random.integers(top, height)) + 1, int(random.integers(left, width)) + 1
        options = ["--rows", f"{top}..{bottom}", "--columns", f"{left}..{right}"]
        if plane:
            options += ["--plane", ",".join(map(str, plane))]
        if random.random() < 0.5:
            low, high = sorted(random.integers(0, 101, 2))
            options += ["--percentiles", f"{low}..{high}"]
        index = (slice(top, bottom), slice(left, right))
        yield options, tuple(plane) + (index if len(shape) > 1 else index[1:])


def values(path, number, index):
    """The values of a window in 64 bits, NaN for blank ones, the exact ones of the others, and what they came from."""
    with fits.open(path, do_not_scale_image_data=True, disable_image_compression=True) as file:
        header, stored = file[number].header, np.atleast_2d(file[number].data[index])
    with fits.open(path, disable_image_compression=True) as file:
        scaled = np.atleast_2d(file[number].data[index])
    scale, zero, blank = header.get("BSCALE", 1), header.get("BZERO", 0), header.get("BLANK")
    integer = stored.dtype.kind in "iu" and scale == 1 and zero == int(zero)
    if integer:
        exact = stored.astype(object) + int(zero)
        result = exact.astype(float)
    else:
        exact = result = float(zero) + float(scale) * stored.astype(float)
    empty = stored == blank if stored.dtype.kind in "iu" else np.isnan(stored)
    if blank is None or stored.dtype.kind == "f":
        empty = np.isnan(stored.astype(float))
    result = np.where(empty, np.nan, result)

    # astropy agrees. It scales small integers in 32 bits, each step with a rounding.
    assert (np.isnan(scaled.astype(float)) == empty).all(), path
    if scaled.dtype.kind in "iu":
        assert (scaled.astype(object) == exact).all(), path
    else:
        precision = 2.0**-22 if scaled.dtype.itemsize == 4 else 2.0**-51
        size = abs(float(zero)) + abs(float(scale) * stored.astype(float))
        assert (np.abs(scaled - result)[~empty] <= precision * size[~empty]).all(), path
    return result, list(exact[~empty]), stored[~empty], float(scale), float(zero)


def statistics(path, number, index):
    result, exact, stored, scale, zero = values(path, number, index)
    count = len(exact)
    parts = [result.size, result.size - count]
    if count:
        if isinstance(exact[0], int):
            mean = float(Fraction(sum(exact), count))
            # The sum is rounded once, the quotient once.
            tolerance = 2 * ROUNDING * abs(mean)
        else:
            mean = zero + scale * math.fsum(stored.astype(float)) / count
            # A sum of n numbers in any order is off by at most n - 1 roundings of the sum of their magnitudes. Then a
            # quotient, a product and a sum here and there.
            size = abs(scale) * math.fsum(np.abs(stored.astype(float))) / count
            tolerance = ROUNDING * ((count - 1) * size + 6 * (size + abs(zero)))
        show = str if isinstance(exact[0], int) else lambda x: repr(float(x))
        parts += [show(min(exact)), show(max(exact)), repr(mean), repr(tolerance)]
    return parts


def make(folder):
    requests = []
    for path in [*found(), *written(folder)]:
        try:
            with fits.open(path, disable_image_compression=True) as file:
                hdus = [(type(hdu).__name__, getattr(hdu, "shape", None)) for hdu in file]
        except OSError:
            hdus = [("no FITS", None)]
        for number, (kind, shape) in enumerate(hdus):
            if kind not in ("PrimaryHDU", "ImageHDU") or not math.prod(shape or (0,)):
                print(path, f"--hdu {number}", "no image", sep="\t")
                continue
            for options, index in windows(shape):
                requests.append((path, number, index_text(index), options))
                options = " ".join(["--hdu", str(number), *options])
                print(path, options, *statistics(path, number, index), sep="\t")
    with open(os.path.join(folder, "requests.json"), "w") as file:
        json.dump(requests, file)


def index_text(index):
    return [[part.start, part.stop] if isinstance(part, slice) else None if part is ... else part for part in index]


def index_of(text):
    return tuple(slice(*part) if isinstance(part, list) else ... if part is None else part for part in text)


def picture(path):
    """The pixels of a grey PNG of 8 bits, by the format's document: chunks, checksums, zlib, filters."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, body = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + content)
        if kind == b"IHDR":
            width, height, *rest = struct.unpack(">IIBBBBB", content)
            assert rest == [8, 0, 0, 0, 0], rest
        elif kind == b"IDAT":
            body += content
        at += 12 + length
    assert kind == b"IEND"
    lines = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, width + 1)
    above, rows = [0] * width, []
    for line in lines.tolist():
        how, row = line[0], line[1:]
        left = corner = 0
        for k, up in enumerate(above):
            near = min((left, up, corner), key=lambda x: abs(left + up - corner - x))
            left = row[k] = (row[k] + [0, left, up, (left + up) // 2, near][how]) % 256
            corner = up
        above = row
        rows.append(row)
    return np.array(rows, np.uint8)


def check(folder):
    with open(os.path.join(folder, "requests.json")) as file:
        requests = json.load(file)
    for k, (path, number, index, options) in enumerate(requests):
        window = values(path, number, index_of(index))[0]
        if "--percentiles" in options:
            low, high = map(float, options[options.index("--percentiles") + 1].split(".."))
            # As NumPy has it for every so many rows and columns.
            steps = [-(-n // 256) for n in window.shape]
            sample = window[:: steps[0], :: steps[1]]
            sample = sample[~np.isnan(sample)]
            black, white = np.percentile(sample, [low, high], method="lower") if sample.size else (0, 0)
        else:
            present = window[~np.isnan(window)]
            black, white = (present.min(), present.max()) if present.size else (0, 0)
        shade = (window - black) / (white - black) * 255 + 0.5
        expected = np.where(np.isnan(shade), 0, np.clip(np.trunc(shade), 0, 255)).astype(np.uint8)
        assert (picture(os.path.join(folder, f"{k}.png")) == expected[::-1]).all(), (k, path, number, index, options)
    print(len(requests))


{"make": make, "check": check}[sys.argv[1]](sys.argv[2])
