"""Arrays of random dtypes, what NumPy prints of them, and what it converts their numbers to.

Each line: descr, shape, the bytes, `str` of the array, then for each field of numbers its name, its elements as
float64, the dtype and the bytes of elements that every processor converts alike, and these as float32, int64 and uint8.
Texts and bytes are in hexadecimal.
"""

import random
import re
import sys

import numpy as np
from numpy.lib.format import dtype_to_descr

rng = random.Random()


# As everything that is not told a type takes it for.
LONG_DOUBLE_IS_X87 = np.dtype("g").itemsize == 16 and np.finfo("g").nmant == 63


def scalar():
    order = rng.choice("<>")
    return rng.choice([
        lambda: "|b1",
        lambda: rng.choice(["|i1", "|u1"]),
        lambda: order + rng.choice(["i2", "i4", "i8", "u2", "u4", "u8"]),
        lambda: order + rng.choice(["f2", "f4", "f8"]),
        lambda: order + rng.choice(["f4", "f8"]),
        lambda: order + rng.choice(["f16", "f16", "c32"]) if LONG_DOUBLE_IS_X87 else order + "f8",
        lambda: order + rng.choice(["c8", "c16"]),
        lambda: f"|S{rng.randrange(1, 6)}",
        lambda: f"{order}U{rng.randrange(1, 4)}",
        lambda: f"|V{rng.randrange(1, 4)}",
        lambda: order + "M8" + rng.choice(["[D]", "[ns]", "[s]", "[25m]", "[Y]", "[M]", "[us]"]),
        # Not ">m8", of which NumPy 2.4.6 takes the bytes of the largest in the wrong order where they are strided.
        lambda: rng.choice([order + "m8[D]", order + "m8[ns]", order + "m8[25s]", "<m8"]),
    ])()


def shape_of_part():
    return tuple(rng.choice([0, 1, 2, 2, 3]) for _ in range(rng.randrange(1, 4))) if rng.random() < 0.95 else (1001,)


def record(depth):
    names = rng.sample(["a", "b", "c", "x.y", "it's", "é", "long name"], rng.randrange(1, 5))
    fields = []
    for name in names:
        dtype = record(depth + 1) if depth < 2 and rng.random() < 0.2 else scalar()
        fields.append((name, dtype, shape_of_part()) if rng.random() < 0.25 else (name, dtype))
    return np.dtype(fields, align=rng.random() < 0.3)


def fill(array):
    """Values that people would have in their files, and some that they would rather not have."""
    if array.dtype.names is not None:
        for name in array.dtype.names:
            fill(array[name])
        return
    kind = array.dtype.kind
    special = {
        "f": [0.0, -0.0, 1.5, -2.25, 0.1, 1e-5, 12345.678, np.inf, -np.inf, np.nan, 3e4],
        "c": [0, 1, 1j, 1.5 - 2j, complex(0.0, -0.0), complex(np.nan, 1), complex(2, np.inf)],
        "S": [b"", b"a", b"it's", b'"', b"\xff\x00z", b"\n"],
        "U": ["", "a", "é", "'", "\ud800", "日本", "\x00b"],
    }
    for index in np.ndindex(array.shape):
        if array.dtype.base.newbyteorder("=").char in "gG" and rng.random() < 0.5:
            # Numbers of all the digits that there are, and of all sizes.
            exponent = rng.choice([0, 0, -1, 3, -20, 60, 1000, -1000, 16380, -16390, rng.randrange(-16445, 16384)])
            number = np.ldexp(np.longdouble(rng.choice([1, rng.uniform(1, 2)])), exponent)
            third = rng.choice([lambda: number / 3, lambda: np.nextafter(number, -np.longdouble(1)), lambda: number])()
            array[index] = np.clongdouble(complex(0, 1)) * third if kind == "c" else third * rng.choice([1, -1])
        elif kind in special:
            array[index] = rng.choice(special[kind]) if rng.random() < 0.7 else {
                "f": rng.uniform(-100, 100), "c": complex(rng.gauss(0, 10), rng.gauss(0, 1)), "S": b"xyz", "U": "xyz"
            }[kind]
        elif kind == "b":
            array[index] = rng.random() < 0.5
        elif kind in "iu":
            info = np.iinfo(array.dtype)
            array[index] = rng.choice([0, 1, info.min, info.max, rng.randrange(info.min, info.max), rng.randrange(100)])
        elif kind in "mM":
            value = rng.choice([0, 1, -1, rng.randrange(-10**5, 10**5), np.iinfo(np.int64).min])
            array[index] = np.int64(value).view(array.dtype.newbyteorder("="))
        else:
            array[index] = np.void(rng.randbytes(array.dtype.itemsize))


def scalars(dtype):
    """How many there are in an item."""
    if dtype.subdtype:
        return scalars(dtype.base) * int(np.prod(dtype.shape))
    return sum(scalars(dtype[name]) for name in dtype.names) if dtype.names is not None else 1


def text(string):
    """Lone surrogates, which occur where a string stands alone, become the character that replaces them in Rust."""
    return re.sub("[\ud800-\udfff]", "\ufffd", string).encode().hex() or "-"


def numbers(array, prefix=""):
    if array.dtype.names is not None:
        for name in array.dtype.names:
            if "." not in name:
                yield from numbers(array[name], f"{prefix}.{name}" if prefix else name)
    elif prefix and array.dtype.kind in "biuf" and array.size:
        yield prefix, array


def some_dtype():
    """One that makes no text too long."""
    dtype = record(0) if rng.random() < 0.8 else np.dtype(scalar())
    while scalars(dtype) > 4000:
        dtype = record(0)
    return dtype


def main(seed, count):
    rng.seed(seed)
    np.seterr(all="ignore")
    for _ in range(count):
        dtype = some_dtype()
        shape = tuple(rng.randrange(0, 5) for _ in range(rng.randrange(0, 4)))
        if rng.random() < 0.02:
            shape = rng.choice([(1001,), (40, 30), (2, 600)])
        if scalars(dtype) * np.prod(shape) > 4000:
            shape = (1,)
        array = np.zeros(shape, dtype)
        fill(array)
        lengths = str(shape)[1:-1].replace(" ", "").rstrip(",")
        fields = [repr(dtype_to_descr(dtype)), lengths, array.tobytes(), str(array)]
        line = [text(fields[0]), fields[1] or "-", fields[2].hex() or "-", text(fields[3])]
        for name, column in numbers(array):
            line += [text(name), column.astype("<f8").tobytes().hex()]
            # What NumPy makes of floats beyond an integer's reach depends on the processor.
            if column.dtype.kind == "f":
                column = np.where((column >= 0) & (column < 255), column, 0).astype(column.dtype)
            line += [column.dtype.str, column.tobytes().hex()]
            line += [column.astype(target).tobytes().hex() for target in ("<f4", "<i8", "|u1")]
        print("\t".join(line))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
