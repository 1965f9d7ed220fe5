"""Arrays that others make longer and shorter, and those that are cut: `length.py make|check FOLDER`.

`make` saves arrays as `N.npy` and, behind three bytes, as `N.raw`, and prints a line for each: N, dtype, order,
shape. It also cuts copies of the files, as `N.K.cut`, and saves what `fromfile` reads of their whole rows as
`N.K.npy`.

`check` reads what has come of them: `N.KIND.ROWS`, of which `ROWS` rows are left or have been added in reverse order.
"""
import io
import os
import sys

import numpy as np

task, folder = sys.argv[1:]
os.chdir(folder)
DTYPES = ["|u1", "<i2", ">i2", ">u4", "<f8", ">f8"]
SHAPES = [(1,), (1300,), (0, 3), (1, 3), (7, 3), (401, 3), (30, 2, 5), (5, 1, 40)]
ORDERED = [(order, shape) for order in "CF" for shape in SHAPES if order == "C" or len(shape) > 1]
CASES = [(dtype, order, shape) for dtype in DTYPES for order, shape in ORDERED]


def whole(dtype, order, shape):
    # As many bytes as there are are told from each other.
    numbers = np.arange(1, np.prod(shape, dtype=int) + 1, dtype=dtype[1:])
    return numbers.astype(dtype).reshape(shape, order=order)


def along(order, shape):
    """The axis along which an array of the order becomes longer or shorter."""
    return 0 if order == "C" else len(shape) - 1


def rows(array, order, part):
    return array[part] if order == "C" else array[..., part]


def same(found, expected):
    assert found.dtype == expected.dtype and found.shape == expected.shape, (found.dtype, found.shape, expected.shape)
    assert (found == expected).all()


if task == "make":
    for number, (dtype, order, shape) in enumerate(CASES):
        array = whole(dtype, order, shape)
        np.save(f"{number}.npy", array)
        # Of both orders, it is saved in C order.
        order = "F" if array.flags.fnc else "C"
        with open(f"{number}.raw", "wb") as file:
            file.write(b"abc" + array.tobytes(order))
        print(number, dtype, order, ",".join(map(str, shape)))
        data = open(f"{number}.npy", "rb").read()
        rest = np.delete(shape, along(order, shape)).tolist()
        for cut, length in enumerate(np.linspace(128, len(data), 7, dtype=int).tolist() + [max(128, len(data) - 1)]):
            with open(f"{number}.{cut}.cut", "wb") as file:
                file.write(data[:length])
            there = np.fromfile(f"{number}.{cut}.cut", dtype, offset=128)
            row = int(np.prod(rest))
            count = min(len(there) // row, shape[along(order, shape)])
            shorter = [*rest]
            shorter.insert(along(order, shape), count)
            np.save(f"{number}.{cut}.npy", there[: count * row].reshape(shorter, order=order))
else:
    checked = 0
    for number, (dtype, order, shape) in enumerate(CASES):
        array = whole(dtype, order, shape)
        order = "F" if array.flags.fnc else "C"
        for name in sorted(os.listdir(".")):
            if not name.startswith(f"{number}.") or name.count(".") != 2 or name.endswith((".npy", ".cut")):
                continue
            _, kind, count = name.split(".")
            part = rows(array, order, slice(int(count)))
            if kind == "appended":
                added = rows(rows(array, order, slice(None, None, -1)), order, slice(int(count)))
                part = np.concatenate([array, added], axis=along(order, shape), dtype=dtype)
            if kind == "shrunk":
                same(np.load(name), part)
                if part.size:
                    same(np.load(name, mmap_mode="r"), part)
                # The same bytes, unless what is left is of both orders.
                if order == "C" or part.flags.fnc:
                    file = io.BytesIO()
                    np.save(file, part)
                    assert file.getvalue() == open(name, "rb").read(), name
            else:
                assert open(name, "rb").read(3) == (b"\0\0\0" if kind == "made" else b"abc"), name
                same(np.fromfile(name, dtype, offset=3).reshape(part.shape, order=order), part)
                if part.size:
                    same(np.memmap(name, dtype, "r", 3, part.shape, order), part)
                    assert os.path.getsize(name) == 3 + part.nbytes
            checked += 1
    print(checked)
