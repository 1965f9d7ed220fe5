"""Arrays of random dtypes in files, and what NumPy says of each of their fields.

For each file: the arguments as a JSON list, and a line for each field with the cells of `--stats`, two spaces between
them.
"""

import json
import os
import random
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
rng = random.Random(3)
PLAIN = "?,i1,i2,i4,i8,u1,u2,u4,u8,f2,f4,f8,f16,c8,c16,S3,U2,V4,M8[ns],M8[D],m8[s],m8[D]".split(",")


def scalar():
    return rng.choice("<>") + rng.choice(PLAIN)


def record(depth=0):
    fields = []
    for name in rng.sample("a b c d e".split(), rng.randrange(1, 5)):
        inner = record(depth + 1) if depth < 2 and rng.random() < 0.2 else scalar()
        fields.append((name, inner, (rng.randrange(1, 4),)) if rng.random() < 0.25 else (name, inner))
    return np.dtype(fields, align=rng.random() < 0.5)


def fill(array):
    if array.dtype.names:
        for name in array.dtype.names:
            fill(array[name])
        return
    kind, size = array.dtype.kind, array.size
    if kind in "fc":
        values = np.array([rng.gauss(0, 1) * 10 ** rng.uniform(-2, 2) for _ in range(size)])
        if kind == "c":
            values = values + 1j * values[::-1]
        if rng.random() < 0.4 and size:
            for _ in range(3):
                values[rng.randrange(size)] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0])
        if rng.random() < 0.1:
            values[:] = np.nan
        array[...] = values.astype(array.dtype).reshape(array.shape)
        if array.dtype.itemsize == 16 and kind == "f" and size and rng.random() < 0.3:
            # No f64 is near to it.
            array.flat[rng.randrange(size)] = np.longdouble("-1e4000")
    elif kind == "b":
        array[...] = np.array([rng.random() < 0.5 for _ in range(size)]).reshape(array.shape)
    elif kind in "iu":
        info = np.iinfo(array.dtype)
        values = [rng.randrange(int(info.min), int(info.max) + 1) for _ in range(size)]
        array[...] = np.array(values, object).astype(array.dtype).reshape(array.shape)
    elif kind in "mM":
        pick = lambda: rng.choice([rng.randrange(-(10**5), 10**5), -(2**63) if rng.random() < 0.2 else 7])
        values = np.array([pick() for _ in range(size)], "i8")
        array[...] = values.view(array.dtype.newbyteorder("=")).reshape(array.shape)


def line(name, array):
    dtype, kind, count = array.dtype, array.dtype.kind, array.size
    nan = inf = least = greatest = mean = "-"
    if kind == "b" and count:
        least, greatest, mean = array.min(), array.max(), repr(float(array.mean()))
    elif kind in "iu" and count:
        least, greatest, mean = array.min(), array.max(), repr(sum(map(int, array.ravel())) / count)
    elif kind == "f":
        nan, inf = int(np.isnan(array).sum()), int(np.isinf(array).sum())
        if nan < count:
            native = array.astype(dtype.newbyteorder("="))
            least, greatest = str(np.nanmin(native)), str(np.nanmax(native))
            # The mean of long doubles is that of the f64s that are nearest.
            near = native.astype("f8")
            mean = repr(float(np.nanmean(near))) if np.isinf(near).sum() == inf else "-"
    elif kind == "c":
        nan, inf = int(np.isnan(array).sum()), int(np.isinf(array).sum())
        if nan < count:
            native = array.astype(dtype.newbyteorder("="))
            least, greatest = str(np.nanmin(native)), str(np.nanmax(native))
            mean = str(np.nanmean(array.astype("c16"))) if inf == 0 else None
    elif kind in "mM":
        nat = np.isnat(array)
        nan = int(nat.sum())
        if nan < count:
            least, greatest = str(array[~nat].min()), str(array[~nat].max())
            if kind == "m":
                mean = str(array[~nat].mean())
    return [name, dtype.str, count, nan, inf, least, greatest, mean]


def lines(name, array):
    if array.dtype.names:
        return [row for part in array.dtype.names for row in lines(f"{name}.{part}" if name else part, array[part])]
    return [line(name, array)]


def tell(args, rows):
    print(json.dumps(args))
    for row in rows:
        print("  ".join(str(cell) for cell in row if cell != ""))
    print()


number = 0
while number < 250:
    dtype = record() if rng.random() < 0.5 else np.dtype(scalar())
    shape = rng.choice([(), (0,), (1,), (7,), (100,), (40000,), (5, 30), (300, 200), (3, 4, 5)])
    if dtype.names and len(shape) and np.prod(shape) > 1000:
        shape = (1000,)
    array = np.zeros(shape, dtype, order=rng.choice("CF"))
    fill(array)
    args, part = [], array
    if shape and rng.random() < 0.4:
        start = rng.randrange(shape[0] + 1)
        end = rng.randrange(start, shape[0] + 1)
        args, part = ["--rows", f"{start}..{end}"], array[start:end]
    name = ""
    if dtype.names and rng.random() < 0.3:
        name = rng.choice(dtype.names)
        args, part = args + ["--field", name], part[name]
    rows = lines(name, part)
    # A mean of complex numbers of which some are infinite depends on the order.
    if any(row[-1] is None for row in rows):
        continue
    path = os.path.join(sys.argv[1], f"{number}.npy")
    np.save(path, array)
    tell([path, *args], rows)
    if number % 5 == 0 and not args and array.dtype.itemsize and not array.dtype.names:
        # The same elements without a header.
        path, order = path + ".raw", "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        with open(path, "wb") as file:
            file.write(rng.randbytes(number) + array.tobytes(order))
        shape = ",".join(map(str, array.shape)) if array.ndim else "()"
        raw = ["--dtype", array.dtype.str, "--offset", str(number), "--shape", shape, "--order", order]
        tell([path, *raw], rows)
    number += 1

# The files that the packages of this environment bring.
for folder, _, names in sorted(os.walk(os.path.dirname(os.path.dirname(np.__file__)))):
    for path in (os.path.join(folder, name) for name in sorted(names) if name.endswith((".npy", ".npz"))):
        try:
            found = np.load(path, max_header_size=10**6)
            members = {path: found} if path.endswith(".npy") else {f"{path}:{name}": found[name] for name in found}
        except ValueError:
            continue
        for name, array in members.items():
            rows = lines("", array)
            if all(row[-1] is not None for row in rows):
                tell([name], rows)
