"""`.npy` files of random arrays as NumPy writes them, and what NumPy says of files that others wrote.

The first argument is the folder of the Python programs beside this one.
"""

import math
import mmap
import os
import random
import sys
import warnings

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv.pop(1))

import numpy as np
from numpy.lib import format
from numpy.lib._format_impl import _read_array_header, _write_array_header
from numpy.lib.format import dtype_to_descr

import dynamic
import told

# Bytes in an array.
MOST = 20_000


def some_shape(itemsize):
    """One of an array that is not large, or None."""
    for _ in range(20):
        shape = random.choice([
            lambda: (),
            lambda: (random.randrange(20),),
            lambda: (10 ** random.randrange(5),),
            lambda: tuple(random.choices([0, 1, 2, 3, 10], [1, 2, 3, 3, 1], k=random.randint(1, 6))),
            lambda: tuple(random.choices([1, 2], [10, 1], k=random.randint(20, 32))),
        ])()
        if math.prod(shape) * itemsize <= MOST:
            return shape
    return None


def some_dtype(scalars):
    """Now and then one whose header is too long for version 1 of the format."""
    if scalars:
        return scalars.pop()
    if random.random() < 0.01:
        return np.dtype([(f"{random.choice('aé語')} {i} " * random.randint(1, 25), "<i2") for i in range(700)])
    return told.some_record(random.randint(0, 3))


def some_array(dtype, shape):
    """Random bytes; Fortran order, and views that are contiguous in no order, as well."""
    steps = [random.choice([1, 1, 1, 2, -1]) for _ in shape] if random.random() < 0.3 else [1] * len(shape)
    whole = tuple(length * abs(step) for length, step in zip(shape, steps))
    order = random.choice("CF")
    array = np.ndarray(whole, dtype, random.randbytes(math.prod(whole) * dtype.itemsize), order=order)
    return array[(..., *(slice(None, None, step) for step in steps))]


def write(path, dtype, version):
    """A file, by one of NumPy's ways to write it. Returns the way, and what was asked for."""
    shape = some_shape(dtype.itemsize)
    if shape is None or random.random() < 0.3:
        # The header alone, of an array of any size.
        shape = tuple(random.choices([0, 1, 7, 10**6, 2**31, 2**40, 10**18], k=random.randint(0, 3)))
        if random.random() < 0.1:
            shape = (1,) * random.randint(32, 64)
        if math.prod(length for length in shape if length) * max(dtype.itemsize, 1) >= 2**63:
            shape = (0,)
        fortran_order = random.random() < 0.5
        with open(path, "wb") as file:
            header = {"descr": dtype_to_descr(dtype), "fortran_order": fortran_order, "shape": shape}
            _write_array_header(file, header, version)
        return "header", shape, "CF"[fortran_order], version
    way = random.choice(["save", "write_array", "open_memmap"])
    if way == "open_memmap":
        fortran_order = random.random() < 0.5
        array = format.open_memmap(path, "w+", dtype, shape, fortran_order, version)
        array[...] = some_array(dtype, shape)
        array.flush()
        return way, shape, "CF"[fortran_order], version
    array = some_array(dtype, shape)
    if way == "save":
        np.save(path, array)
        version = None
    else:
        with open(path, "wb") as file:
            format.write_array(file, array, version)
    only_fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    return way, shape, "CF"[only_fortran], version


def headers(folder, count):
    """`count` files, and of each a line: the way it was written, its order, version, shape and `descr`."""
    scalars = list(told.scalars())
    for number in range(count):
        dtype = some_dtype(scalars)
        path = os.path.join(folder, f"{number}.npy")
        descr = repr(dtype_to_descr(dtype)).encode().hex()
        version = random.choice([None, None, (1, 0), (2, 0), (3, 0)])
        try:
            way, shape, order, version = write(path, dtype, version)
        except ValueError:
            # The version cannot hold the header.
            way, shape, order = "refused", (), "C"
        version = "-" if version is None else f"{version[0]}.{version[1]}"
        print(way, order, version, ",".join(map(str, shape)) or "-", descr, sep="\t")


def arrays(folder, count):
    """`count` files of values that people have, and of each a line: shape, order, what NumPy prints, and the elements'
    bytes one after another in C order."""
    np.seterr(all="ignore")
    for number in range(count):
        dtype = dynamic.some_dtype()
        if random.random() < 0.4:
            dtype = np.dtype(dynamic.scalar())
        shape = tuple(random.randrange(5) for _ in range(random.randrange(4)))
        if dynamic.scalars(dtype) * math.prod(shape) > 4000:
            shape = (1,)
        array = np.zeros(shape, dtype, order=random.choice("CF"))
        dynamic.fill(array)
        if random.random() < 0.2:
            array = array[::-1] if shape else array
        path = os.path.join(folder, f"{number}.npy")
        if random.random() < 0.5:
            np.save(path, array)
        else:
            fortran_order = random.random() < 0.5
            mapped = format.open_memmap(path, "w+", dtype, array.shape, fortran_order)
            mapped[...] = array
            mapped.flush()
        read = np.load(path)
        order = "F" if "'fortran_order': True" in open(path, "rb").read(20_000).decode("latin1") else "C"
        shape = ",".join(f"{length}" for length in read.shape) or "-"
        # NumPy copies bytes without a meaning, and padding it does not.
        data = read.view(f"V{dtype.itemsize}").tobytes() if dtype.itemsize else b""
        print(shape, order, dynamic.text(str(read)), data.hex() or "-", sep="\t")


def tried(path):
    """What is in a file, as a line: shape, order and dtype. The file need not have all the data."""
    with open(path, "rb") as file:
        version = format.read_magic(file)
        if version not in [(1, 0), (2, 0), (3, 0)]:
            raise ValueError(f"version {version}")
        shape, fortran_order, dtype = _read_array_header(file, version)
        start = file.tell()
    if dtype.hasobject:
        raise ValueError("Python objects")
    if dtype.subdtype is not None:
        raise ValueError("a subarray, on which np.load fails")
    # NumPy checks the shape as that of any array.
    one = mmap.mmap(-1, max(dtype.itemsize, 1))
    np.ndarray(shape, dtype, one, strides=(0,) * len(shape))
    if math.prod(shape) * dtype.itemsize <= os.path.getsize(path) - start:
        for array in np.load(path), np.load(path, mmap_mode="r"):
            assert (array.shape, array.dtype) == (shape, dtype)
    shape = ",".join(str(int(length)) for length in shape) or "-"
    return f"{shape}\t{'CF'[fortran_order]}\t{told.told(dtype)}"


def try_all(folder, count):
    for number in range(count):
        try:
            print(tried(os.path.join(folder, f"{number}.npy")))
        except Exception as error:
            print("refused: ", repr(error), repr(error.__cause__))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    way, folder, count = sys.argv[1:]
    random.seed(3)
    dynamic.rng.seed(3)
    {"headers": headers, "arrays": arrays, "try": try_all}[way](folder, int(count))
