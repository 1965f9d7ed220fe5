"""What NumPy says of a dtype, in the words that `told.rs` has for it."""

import ast
import random
import sys
from pathlib import Path

import numpy as np
from numpy.lib.format import descr_to_dtype, dtype_to_descr


def layout(dtype):
    """Every part with its size; of fields the offset, the name and the title, in hexadecimal."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return f"{list(shape)}*{layout(base)}={dtype.itemsize}"
    if dtype.names is not None:
        fields = []
        for name in dtype.names:
            part, offset, *title = dtype.fields[name]
            names = "/".join(text.encode("utf-8", "surrogatepass").hex() for text in [name, *title])
            fields.append(f"{names}@{offset}:{layout(part)}")
        return "{" + " ".join(fields) + "}=" + str(dtype.itemsize)
    unit = "{1}{0}".format(*np.datetime_data(dtype)) if dtype.kind in "mM" else ""
    return f"{dtype.kind}{dtype.str[0]}{unit}={dtype.itemsize}/{dtype.alignment}"


def told(dtype):
    """In one line: the `descr`, the layout, and the `descr` in either byte order."""
    turned = [repr(dtype_to_descr(dtype.newbyteorder(order))) for order in "<>"]
    return "\t".join([repr(dtype_to_descr(dtype)), layout(dtype), *turned])


def read(descr):
    """The dtype of a `descr` as `np.load` finds it in a header."""
    return descr_to_dtype(ast.literal_eval(descr))


LONG_DOUBLE = ["f16", "c32"] if np.dtype("g").itemsize == 16 else []
UNITS = "Y M W D h m s ms us ns ps fs as".split()
# Parts of names, some of them hard to write, to read or to tell from syntax.
PARTS = ["a", "b", "Z9", "_", ".", " ", "'", '"', "\\", "\t", "\n", "\r", "\0", "\x1b", "\x7f", "\x85", "\xa0", "\xad",
         "é", "ß", "π", "語", "\u0301", "\u200b", "\u2028", "\ue000", "\U0001d11e", "\U0010ffff",
         "(", ")", "[", "]", "{", ",", ":", "#", "'|V4'", "\\x41"]


def scalars():
    """Every kind in every size, unit and byte order; text and bytes of a few lengths."""
    yield from (np.dtype(text) for text in ["?", "i1", "u1"])
    for order in "<>":
        for text in ["i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", *LONG_DOUBLE, "M8", "m8"]:
            yield np.dtype(order + text)
        for kind in "Mm":
            for unit in UNITS:
                for count in ["", 2, 25, 1000, 2147483647]:
                    yield np.dtype(f"{order}{kind}8[{count}{unit}]")
        for length in [0, 1, 2, 3, 7, 1000, 536870911]:
            yield np.dtype(f"{order}U{length}")
    for length in [0, 1, 2, 3, 7, 1000, 2147483647]:
        yield np.dtype(f"S{length}")
        yield np.dtype(f"V{length}")


SCALARS = [dtype for dtype in scalars() if dtype.itemsize <= 100]


def some_name(taken):
    """A name that is not among those taken; it is now."""
    while True:
        name = "".join(random.choices(PARTS, k=random.choice([0, 1, 1, 1, 2, 3, 5])))
        if name not in taken:
            taken.add(name)
            return name


def some_field(depth):
    """What a field can hold: a dtype, or a subarray of some, or a subarray of subarrays."""
    dtype = some_record(depth - 1) if depth > 0 and random.random() < 0.4 else random.choice(SCALARS)
    # NumPy makes no subarrays of elements without bytes, and items of at most 2147483647 bytes.
    while random.random() < 0.3 and 0 < dtype.itemsize < 10_000:
        shape = tuple(random.choices([0, 1, 2, 3, 5], weights=[1, 4, 4, 4, 2], k=random.randint(1, 4)))
        dtype = np.dtype((dtype, shape))
    return dtype


def some_record(depth):
    """Fields packed, or aligned, or at offsets of their own with bytes of nothing around them."""
    count = random.choice([0, 1, 1, 2, 2, 3, 4, 6])
    taken, parts = set(), {"names": [], "formats": [], "titles": []}
    for _ in range(count):
        dtype = some_field(depth)
        name = some_name(taken)
        # A void field without a name and a title is lost as padding: NumPy does not read it as it wrote it.
        titled = random.random() < 0.2 or name == "" and issubclass(dtype.type, np.void)
        parts["names"].append(name)
        parts["formats"].append(dtype)
        parts["titles"].append(some_name(taken) if titled else None)
    way = random.choice(["packed", "aligned", "placed"])
    if way == "placed":
        end, parts["offsets"] = 0, []
        for dtype in parts["formats"]:
            parts["offsets"].append(end + random.choice([0, 0, 1, 2, 3, 8, 100]))
            end = parts["offsets"][-1] + dtype.itemsize
        parts["itemsize"] = end + random.choice([0, 0, 1, 4, 13])
    return np.dtype(parts, align=way == "aligned")


def some_dict(depth):
    """A record told by a dict, as a literal. Fields may overlap, be out of order or reach beyond the record; NumPy may
    refuse it."""
    taken, parts = set(), {"names": [], "formats": []}
    for _ in range(random.choice([0, 1, 1, 2, 2, 3, 4])):
        part = some_dict(depth - 1) if depth > 0 and random.random() < 0.4 else random.choice(SCALARS).str
        if random.random() < 0.2 and 0 < some_dtype(part).itemsize < 1000:
            part = part, tuple(random.choices([1, 2, 3], k=random.randint(1, 3)))
        parts["names"].append(some_name(taken))
        parts["formats"].append(part)
    count = len(parts["names"])
    if random.random() < 0.3:
        parts["titles"] = [random.choice([None, some_name(taken)]) for _ in range(count)]
    if random.random() < 0.3:
        parts["aligned"] = random.random() < 0.8
    if random.random() < 0.7:
        parts["offsets"] = [random.choice([0, 1, 2, 4, 8, 16, 16, 48, 100, 256]) for _ in range(count)]
    if random.random() < 0.4:
        parts["itemsize"] = random.choice([0, 1, 16, 100, 512, 4096, 4096, 4099])
    return dict(random.sample(list(parts.items()), len(parts)))


def some_dtype(literal):
    """The dtype of a literal, or one without bytes where NumPy refuses it."""
    try:
        return np.dtype(literal)
    except Exception:
        return np.dtype("V0")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["dicts", seed, count]:
            random.seed(int(seed))
            for _ in range(int(count)):
                literal = some_dict(random.randint(0, 3))
                try:
                    dtype = np.dtype(literal)
                    # Not all that NumPy prints does it read as it was.
                    again = some_dtype(ast.literal_eval(str(dtype))) == dtype
                    print(repr(literal), layout(dtype), str(dtype) if again else "", sep="\t")
                except Exception as error:
                    print(repr(literal), "refused: " + repr(error), sep="\t")
        case ["long double"]:
            print(np.dtype("g").itemsize)
        case ["make", seed, count]:
            random.seed(int(seed))
            for dtype in scalars():
                print(told(dtype))
            for _ in range(int(count)):
                print(told(some_record(random.randint(0, 3))))
        case ["read", path]:
            with open(path, encoding="utf-8", newline="\n") as lines:
                for line in lines:
                    print(told(read(line.rstrip("\n"))))
        case ["try", path]:
            for line in Path(path).read_text().splitlines():
                try:
                    print(told(read(bytes.fromhex(line).decode())))
                except Exception as error:
                    print("refused: ", repr(error))
