"""Arrays of random dtypes in files, or the files that the packages of this environment bring, and what is in them.

For each array and each way to ask for it: the arguments as a JSON list, the line of `--json`, the number of lines of
`--jsonl`, and these lines; a file that is to be refused has -1 lines and none.
"""

import io
import json
import os
import random
import re
import struct
import sys
import zipfile

import numpy as np
from numpy.lib import _format_impl as format

out = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="\n")


class Raw:
    """Digits that `json` has no number for: those of narrow floats."""

    def __init__(self, text):
        self.text = text


def plain(array):
    """What an item, or an array of items, is in JSON."""
    if array.ndim:
        return [plain(array[index, ...]) for index in range(len(array))]
    dtype, item = array.dtype, array.tobytes()
    if dtype.names is not None:
        return {name: plain(array[name]) for name in dtype.names}
    order = "big" if dtype.str[0] == ">" else "little"
    match dtype.kind:
        case "b":
            return bool(array[()])
        case "i" | "u":
            return int(array[()])
        case "f":
            return real(array[()]) if dtype.itemsize < 16 else item.hex()
        case "c" if dtype.itemsize == 32:
            return [item[:16].hex(), item[16:].hex()]
        case "c":
            return [real(array[()].real), real(array[()].imag)]
        case "S":
            return item.rstrip(b"\0").decode("latin-1")
        case "U":
            return str(array[()])
        case "V":
            return item.hex()
        case "m" | "M":
            count = int.from_bytes(item, order, signed=True)
            if count == -(2**63):
                return "NaT"
            generic = np.datetime_data(dtype)[0] == "generic"
            return count if dtype.kind == "m" or generic else str(array[()])


def real(number):
    if np.isnan(number):
        return "NaN"
    if np.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return float(number) if number.dtype.itemsize == 8 else Raw(str(number))


def dumped(value):
    raws = []

    def default(raw):
        raws.append(raw.text)
        return f"@raw {len(raws) - 1}@"

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=default)
    text = re.sub(r'"@raw (\d+)@"', lambda match: raws[int(match[1])], text)
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)


def header_of(file):
    version = format.read_magic(file)
    shape, fortran_order, dtype = format._read_array_header(file, version, max_header_size=10**6)
    return version, shape, fortran_order, dtype


def tell(name, file, array, start, args=(), lines=None):
    """`start` is where the `.npy` begins in the archive or file, `None` where it is compressed."""
    header = header_of(file)
    tell_of(name, header, array, None if start is None else start + file.tell(), args, lines)


def tell_of(name, header, array, offset, args=(), lines=None):
    """`offset` is where the elements begin in the file; a file without a header has no version."""
    version, shape, fortran_order, dtype = header
    record = {
        "version": version,
        "descr": repr(format.dtype_to_descr(dtype)),
        "fortran_order": fortran_order,
        "shape": shape,
        "data_offset": offset,
        "itemsize": dtype.itemsize,
        "nbytes": int(np.prod(shape, dtype=object)) * dtype.itemsize,
    }
    lines = array if lines is None else lines
    lines = [lines] if lines.ndim == 0 else [lines[index, ...] for index in range(len(lines))]
    dumps = [dumped(plain(line)) for line in lines]
    print(json.dumps([name, *args]), dumped(record), len(lines), *dumps, sep="\n", file=out)


def refused(name):
    print(json.dumps([name]), "", -1, sep="\n", file=out)


def members(path):
    """Each member: its name, its bytes, and where they begin unless it is compressed."""
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        for info in archive.infolist():
            file.seek(info.header_offset + 26)
            start = info.header_offset + 30 + sum(struct.unpack("<HH", file.read(4)))
            stored = info.compress_type == zipfile.ZIP_STORED
            yield info.filename.removesuffix(".npy"), archive.read(info), start if stored else None


def tell_file(path):
    parts = [(path, open(path, "rb").read(), 0)]
    if path.endswith(".npz"):
        parts = [(f"{path}:{name}", data, start) for name, data, start in members(path)]
    for name, data, start in parts:
        try:
            array = np.load(io.BytesIO(data), max_header_size=10**6)
        except ValueError:
            refused(name)
            continue
        tell(name, io.BytesIO(data), array, start)


def generate(folder, seed, count):
    rng = random.Random(seed)

    def scalar():
        order = rng.choice("<>")
        kinds = "|b1 |i1 |u1 i2 i4 i8 u2 u4 u8 f2 f4 f8 f4 f8 c8 c16 S U V M8 m8 f16 c32".split()
        kind = rng.choice(kinds)
        match kind:
            case "S" | "V":
                return f"|{kind}{rng.randrange(1, 6)}"
            case "U":
                return f"{order}U{rng.randrange(1, 4)}"
            case "M8" | "m8":
                units = ["", "[Y]", "[M]", "[W]", "[D]", "[h]", "[25m]", "[s]", "[ms]", "[us]", "[ns]", "[ps]", "[as]"]
                return order + kind + rng.choice(units + ["[3D]", "[2W]", "[7s]", "[25ns]", "[1000fs]"])
        return kind if kind[0] == "|" else order + kind

    def record(depth):
        fields = []
        for name in rng.sample(["a", "b", "c", "x.y", "it's", "é", "日本", 'say "hi"'], rng.randrange(0, 5)):
            dtype = record(depth + 1) if depth < 2 and rng.random() < 0.25 else scalar()
            axes = tuple(rng.choice([0, 1, 2, 3]) for _ in range(rng.randrange(1, 3)))
            fields.append((name, dtype, axes) if rng.random() < 0.25 else (name, dtype))
        return np.dtype(fields, align=rng.random() < 0.4)

    def fill(array):
        if array.dtype.names is not None:
            for name in array.dtype.names:
                fill(array[name])
            return
        special = {
            "f": [0.0, -0.0, 1.5, 0.1, 1e-5, 12345.678, np.inf, -np.inf, np.nan, 3e4, 1e16, 5e-324, 6e-8, 1e22, 1 / 3],
            "c": [0, 1j, complex(-0.0, 0.0), complex(np.nan, -np.inf), 1.5 - 2e20j],
            "S": [b"", b"a\0b", b'it\'s "', b"\xff\x7f\n", b"\t\\"],
            "U": ["", "aé", "\ud800", "\udfff\ud800", "日本", "\0b", '"\\\r', "\U0001d11e"],
        }
        kind = array.dtype.kind
        for index in np.ndindex(array.shape):
            if kind in special:
                array[index] = rng.choice(special[kind])
                if kind in "fc" and rng.random() < 0.5:
                    array[index] = rng.gauss(0, 1) * 10 ** rng.uniform(-4, 4)
            elif kind == "b":
                # Whatever is not zero is true.
                array.view("u1")[index] = rng.choice([0, 0, 1, 1, 2, 255])
            elif kind in "iu":
                info = np.iinfo(array.dtype)
                array[index] = rng.choice([0, info.min, info.max, rng.randrange(info.min, info.max)])
            elif kind in "mM":
                value = rng.choice([0, 1, -1, rng.randrange(-10**4, 10**4), rng.randrange(-2**62, 2**62), -2**63])
                # NumPy has no text for years that do not fit its own integers.
                if np.datetime_data(array.dtype)[0] in ("Y", "M", "W", "D", "h", "m") and value != -2**63:
                    value %= 10**6
                array[index] = np.int64(value).view(array.dtype.newbyteorder("="))
            else:
                array[index] = np.void(rng.randbytes(array.dtype.itemsize)).view(array.dtype)[()] if kind == "V" else 1

    def random_array():
        dtype = record(0) if rng.random() < 0.5 else np.dtype(scalar())
        shape = tuple(rng.choice([0, 1, 2, 3, 4, 7]) for _ in range(rng.randrange(0, 4)))
        array = np.zeros(shape, dtype, order=rng.choice("CF"))
        fill(array)
        return array

    np.seterr(all="ignore")
    for number in range(count):
        array = random_array()
        path = os.path.join(folder, f"{number}.npy")
        version = rng.choice([None, None, None, (1, 0), (2, 0), (3, 0)])
        with open(path, "wb") as file:
            try:
                format.write_array(file, array, version)
            except ValueError:
                file.seek(0)
                file.truncate()
                format.write_array(file, array)
        args, lines = [], array
        if array.ndim and rng.random() < 0.5:
            start = rng.randrange(len(array) + 1)
            end = rng.randrange(start, len(array) + 1)
            args, lines = ["--rows", f"{start}..{end}"], array[start:end]
        if array.dtype.names and rng.random() < 0.5:
            name = rng.choice(array.dtype.names)
            args, lines = args + ["--field", name], lines[name]
        with open(path, "rb") as file:
            tell(path, file, array, 0, args, lines)
        if number % 3 == 1 and array.dtype.itemsize:
            # The same elements without a header.
            path, offset = os.path.join(folder, f"{number}.raw"), rng.randrange(0, 300)
            order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
            with open(path, "wb") as file:
                file.write(rng.randbytes(offset) + array.tobytes(order))
            shape = ",".join(map(str, array.shape)) if array.ndim else "()"
            raw = ["--dtype", str(format.dtype_to_descr(array.dtype)), "--offset", hex(offset), "--shape", shape]
            header = None, array.shape, order == "F", array.dtype
            tell_of(path, header, array, offset, [*raw, "--order", order, *args], lines)
        if number % 10 == 0:
            path = os.path.join(folder, f"{number}.npz")
            names = rng.sample(["a", "b:c", "sub/é", "日本", "x.npy", "1"], 3)
            rng.choice([np.savez, np.savez_compressed])(path, **{name: random_array() for name in names})
            tell_file(path)

    # The end of an array in the middle of an element, which is seen only where the member is read to its end.
    path, file = os.path.join(folder, "short.npz"), io.BytesIO()
    np.save(file, np.arange(900))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", file.getvalue())
        archive.writestr("b.npy", file.getvalue()[:-1])
    tell_file(path)


if sys.argv[1] == "generate":
    generate(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    for folder, _, names in sorted(os.walk(os.path.dirname(os.path.dirname(np.__file__)))):
        for name in sorted(names):
            if name.endswith((".npy", ".npz")):
                tell_file(os.path.join(folder, name))
out.flush()
