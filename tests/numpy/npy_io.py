"""Views of random arrays of random dtypes, saved by NumPy in a folder.

Each line: descr, shape and bytes of an array; what is done to it, step by step; the dtype, the shape and the bytes in C
order of the view that comes of it. The view is saved as `N.npy`, N being the line's number. Texts and bytes are in
hexadecimal.
"""

import random
import sys

import numpy as np
from numpy.lib.format import dtype_to_descr

rng = random.Random(int(sys.argv[1]))

DTYPES = [
    "|b1", "|i1", "|u1", "<i2", ">i2", ">u2", "<i4", ">i4", "<i8", ">u8", "<f4", ">f8", "<f8", "<c16", ">f2", "|S3",
    "<U2", "|V5", "|V0", "<M8[ns]",
    [("a", "|u1"), ("b", "<f8"), ("c", ">i4")],
    [("a", "|u1"), ("", "|V3"), ("b", "<i4"), ("", "|V4")],
    [("p", [("x", "<f4"), ("y", ">f4")], (2,)), ("b", "|S5"), ("a", "<u2", (2, 3))],
]


def dtype_of(descr):
    # As `np.load` makes it: padding is no field.
    return np.lib.format.descr_to_dtype(descr)


def text(text):
    return text.encode().hex() or "-"


def step(array):
    axes = array.ndim
    kinds = ["field"] * 3 if array.dtype.names else []
    if axes:
        kinds += ["transpose"] * 3 + ["range", "step", "index"]
    if axes > 1:
        kinds += ["permute"]
    kind = rng.choice(kinds or [None])
    if kind is None:
        return array, None
    if kind == "field":
        name = rng.choice(array.dtype.names)
        return array[name], f"field {name}"
    if kind == "transpose":
        return array.T, "transpose"
    if kind == "permute":
        order = rng.sample(range(axes), axes)
        return array.transpose(order), "permute " + " ".join(map(str, order))
    axis = rng.randrange(axes)
    length, before = array.shape[axis], (slice(None),) * axis
    if kind == "step" or (kind == "index" and length == 0):
        by = rng.choice([-3, -2, -1, -1, 2, 3])
        return array[(*before, slice(None, None, by), ...)], f"step {axis} {by}"
    if kind == "range":
        start = rng.randint(0, length)
        end = rng.randint(start, length)
        return array[(*before, slice(start, end), ...)], f"range {axis} {start} {end}"
    index = rng.randrange(length)
    return array[(*before, index, ...)], f"index {axis} {index}"


for number in range(int(sys.argv[2])):
    dtype = dtype_of(rng.choice(DTYPES))
    shape = tuple(rng.choice([0, 1, 2, 2, 3, 4, 5]) for _ in range(rng.randrange(5)))
    # Larger than what is written at once.
    if rng.random() < 0.003:
        shape = (300, 500)
    data = rng.randbytes(int(np.prod(shape)) * dtype.itemsize)
    array = np.ndarray(shape, dtype, data)
    descr, steps = repr(dtype_to_descr(dtype)), []
    for _ in range(rng.randrange(4)):
        array, done = step(array)
        steps += [done] if done else []
    np.save(f"{sys.argv[3]}/{number}.npy", array)
    shown = [text(descr), ",".join(map(str, shape)) or "-", data.hex() or "-", text(";".join(steps))]
    shown += [text(repr(dtype_to_descr(array.dtype))), ",".join(map(str, array.shape)) or "-"]
    shown += [array.tobytes("C").hex() or "-"]
    print("\t".join(shown))
