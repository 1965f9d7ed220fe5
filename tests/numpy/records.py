"""The dtypes of the structs in `structs.rs`, and files of them with values that are hard to keep."""

import sys
from pathlib import Path

import numpy as np
from numpy.lib.format import dtype_to_descr

ROWS = 16


def dtypes(n):
    """By the structs' names; `n` is the byte order of the machine that they are compiled for."""
    point = np.dtype([("x", n + "f4"), ("y", n + "f4")])
    inner = np.dtype([("a", "u1"), ("b", n + "u2"), ("c", "S3")], align=True)
    odd = ["it's", 'say "hi"', "both'\"", "back\\slash", "tab\tand\nline", "point.x", "température °C", "語", " ", "\0"]
    return {
        "Native": np.dtype([
            ("truth", "?"), ("i1", "i1"), ("i2", n + "i2"), ("i4", n + "i4"), ("i8", n + "i8"), ("u1", "u1"),
            ("u2", n + "u2"), ("u4", n + "u4"), ("u8", n + "u8"), ("f4", n + "f4"), ("f8", n + "f8"), ("text", "S5"),
            ("name", n + "U3"), ("raw", "V3"), ("time", n + "M8[ns]"), ("week", n + "M8[7D]"), ("span", n + "m8[ms]"),
            ("spans", n + "m8[25s]"), ("count", n + "m8"),
        ]),
        "Turned": np.dtype([
            ("i2", ">i2"), ("i4", ">i4"), ("i8", ">i8"), ("u2", "<u2"), ("u4", "<u4"), ("u8", "<u8"), ("f4", ">f4"),
            ("f8", ">f8"), ("little", "<f8"), ("name", ">U3"), ("little_name", "<U2"), ("time", ">M8[us]"),
            ("span", "<m8[D]"),
        ]),
        "Optional": np.dtype([
            ("f2", n + "f2"), ("c8", n + "c8"), ("c16", n + "c16"), ("big_f2", ">f2"), ("little_c8", "<c8"),
            ("big_c16", ">c16"), ("plane", n + "c8", (2, 2)),
        ]),
        "Units": np.dtype([
            (unit, f"{n}M8[{unit}]") for unit in "Y M W D h m s ms us ns ps fs as generic".split()
        ]),
        "Aligned": np.dtype([
            ("flag", "?"), ("point", np.dtype(point.descr, align=True)), ("class", "u1"), ("name", n + "U1"),
            ("inner", inner, (2, 3)), ("half", n + "i2"), ("last", "i1"),
        ], align=True),
        "Wide": np.dtype([("flag", "?"), ("time", n + "M8[s]"), ("class", "u1"), ("value", n + "f8"), ("last", "i1")],
                         align=True),
        "Filled": np.dtype({
            "names": ["id", "value", "code"], "formats": [n + "u2", n + "f8", "S1"], "offsets": [0, 8, 16],
            "itemsize": 24,
        }, align=True),
        "Nested": np.dtype([
            ("kind", "i1"), ("point", point), ("corners", point, (2,)), ("grid", n + "u2", (2, 3)),
            ("cube", ">f4", (2, 1, 3)), ("lattice", point, (1, 2, 2)), ("none", n + "f8", (2, 0, 3)),
            ("outer", [("inner", [("deep", n + "i4", (2,)), ("word", "S2")]),
                       ("pair", [("first", n + "i2"), ("second", n + "i2")])]),
        ]),
        "Titled": np.dtype([(("flux density in W/m²", "flux"), n + "f4"), (("", "id"), n + "u4"),
                            (("it's \"both\"", "p"), point)]),
        "Named": np.dtype([(name, n + "i2") for name in odd]),
        "Halved": np.dtype({"names": ["f0", "f1", "f2"], "formats": ["u1", n + "u8", "u1"], "offsets": [0, 2, 10],
                            "itemsize": 12}),
        "Numbered": np.dtype({"names": ["f0", "f1", "last", "f3"], "formats": ["u1", n + "u4", n + "f4", (n + "i2", 2)],
                              "offsets": [0, 4, 8, 12]}),
    }


def samples(dtype):
    """The edges of what a type can hold, and what gets lost on the way to text."""
    size = dtype.itemsize
    match dtype.kind:
        case "b":
            return np.array([True, False, True])
        case "i" | "u":
            least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
            return np.array([least, most, 0, 1, most - 1, least + 1, most & 0x0102030405060708], dtype)
        case "f":
            info = np.finfo(dtype)
            nans = np.copysign(np.array([np.nan, np.nan], dtype), np.array([1, -1], dtype))
            edges = [-0.0, np.inf, -np.inf, info.max, info.min, info.tiny, info.smallest_subnormal]
            edges += [0, 1 + info.eps, 1 / 3]
            return np.concatenate([nans, np.array(edges, dtype)])
        case "c":
            parts = samples(np.dtype(f"f{size // 2}"))
            return np.column_stack([parts, parts[::-1]]).copy().view(f"c{size}").ravel()
        case "S":
            texts = [b"", b"a", b"\xff", b"\0a", b"a\0b", b"ab\0\0", b"it's\"", b"abcdefgh"[:size]]
            return np.array([text for text in texts if len(text) <= size], dtype)
        case "U":
            texts = ["", "é", "\ud800", "\udfff\ud800", "\0a", "a\0b", "b\0\0", "\U0010ffff", "\U0001d11e語ß"]
            return np.array([text for text in texts if len(text) * 4 <= size], dtype)
        case "V":
            return np.array([bytes(size), bytes(range(size)), b"\xff" * size, b"\x01" + bytes(size - 1)], dtype)
        case "M" | "m":
            unit = np.datetime_data(dtype)[0]
            if dtype.kind == "M" and unit in ("ns", "us"):
                times = ["NaT", "1970-01-01", "1969-12-31T23:59:59.999999", "2020-02-29T12:34:56.789", "1677-09-22",
                         "2262-04-11"]
                return np.array(times, dtype)
            counts = [np.iinfo("i8").min, 0, 1, -1, 40, -40]
            return np.array(counts, "i8").view(f"{dtype.kind}8[{dtype.str.partition('[')[2] or 'generic]'}")


def fill(array):
    """Sets every element of every field."""
    if array.dtype.names is None:
        array[...] = np.resize(samples(array.dtype), array.shape)
    for name in array.dtype.names or []:
        fill(array[name])


def bits(value):
    """A float, by its bits."""
    return f"{value.view(f'u{value.itemsize}'):x}"


def told(value):
    """The numbers, texts and times in a value, exactly, each as a word."""
    if isinstance(value, np.ndarray):
        return [word for element in value.flat for word in told(element)]
    if value.dtype.names is not None:
        return [word for name in value.dtype.names for word in told(value[name])]
    match value.dtype.kind:
        case "b":
            return ["true" if value else "false"]
        case "i" | "u":
            return [str(int(value))]
        case "f":
            return [bits(value)]
        case "c":
            return [bits(value.real), bits(value.imag)]
        case "S":
            return [value.hex()]
        case "U":
            return [".".join(f"{ord(character):x}" for character in value)]
        case "V":
            return [value.tobytes().hex()]
        # NumPy shows no time of no unit but NaT.
        case "M" if value.dtype.str[1:] == "M8":
            return [str(value.astype("i8"))]
        case "M" | "m":
            return [f"{value.astype('i8')}={value}"]


def columns(array, start=""):
    """Every field of some bytes by its path, with what it holds, row by row."""
    for name in array.dtype.names:
        column, path = array[name], start + name
        if column.size == 0:
            continue
        yield path, ";".join(",".join(told(value)) for value in column)
        if column.dtype.names is not None and column.ndim == 1:
            yield from columns(column, path + ".")


def show(name, array):
    """A line for each field."""
    for path, text in columns(array):
        print(name, path.encode().hex(), text, sep="\t")


if __name__ == "__main__":
    order, doing, *folder = sys.argv[1:]
    for name, dtype in dtypes(order).items():
        match doing:
            case "describe":
                print(name, repr(dtype_to_descr(dtype)), dtype.itemsize, dtype.alignment, sep="\t")
            case "write":
                array = np.zeros(ROWS, dtype)
                fill(array)
                array.tofile(Path(folder[0], name))
                show(name, array)
            case "read":
                # Only what can be written: no records with padding of the compiler's.
                if Path(folder[0], name).exists():
                    show(name, np.memmap(Path(folder[0], name), dtype, "r"))
