"""Files of a grid of dtypes: plain ones, and records of all kinds of fields, packed, aligned, nested, in subarrays."""

import os
import random
import sys

import numpy as np

rng = random.Random(11)
PLAIN = "?,i1,i2,i4,i8,u1,u2,u4,u8,f2,f4,f8,c8,c16,S1,S7,U1,U3,V1,V5,M8[ns],M8[25s],M8,m8[D],m8[ms],f16".split(",")
NAMES = ["a", "b", "type", "self", "x y", "x_y", "é", "日本", "3d", "PosX", "_pad", "it's", 'say "hi"', "Row", "le"]


def scalar():
    return rng.choice("<>") + rng.choice(PLAIN)


def record(depth, align):
    fields = []
    for name in rng.sample(NAMES, rng.randrange(1, 6)):
        inner = record(depth + 1, align) if depth < 2 and rng.random() < 0.2 else scalar()
        if rng.random() < 0.2:
            fields.append((("title of " + name, name), inner))
        elif rng.random() < 0.25:
            fields.append((name, inner, tuple(rng.randrange(1, 4) for _ in range(rng.randrange(1, 3)))))
        else:
            fields.append((name, inner))
    return np.dtype(fields, align=align)


dtypes = [np.dtype(order + text) for text in PLAIN for order in "<>"]
dtypes += [record(0, number % 2 == 0) for number in range(120)]
for number, dtype in enumerate(dtypes):
    # Any bytes but those of texts, which must be characters, and of NaN, of which there are many.
    array = np.zeros(3, dtype)
    if not any(kind in str(dtype) for kind in ["U", "c8", "c16", "f2", "f4", "f8", "f16", "?", "b1"]):
        array = np.frombuffer(rng.randbytes(3 * dtype.itemsize), dtype)
    with open(os.path.join(sys.argv[1], f"{number:03}.npy"), "wb") as file:
        np.lib.format.write_array(file, array)
