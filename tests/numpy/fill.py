"""One side of arrays that NumPy and Rust fill together: `fill.py TASK PATH [PART PARTS]`."""
import sys
import numpy as np

LEN, DTYPE = 10_007, np.dtype([("row", "<u4"), ("root", "<f8"), ("tag", "S3")])


def rows(start, stop):
    """What the rows of the array are to be."""
    index = np.arange(start, stop)
    expected = np.zeros(stop - start, DTYPE)
    expected["row"] = index
    expected["root"] = np.sqrt(index)
    expected["tag"] = [b"r%02d" % (i % 100) for i in index]
    return expected


task, path, *numbers = sys.argv[1:]
if task == "create":
    np.lib.format.open_memmap(path, "w+", DTYPE, (LEN,)).flush()
elif task == "fill":
    part, parts = map(int, numbers)
    array = np.lib.format.open_memmap(path, "r+")
    assert array.dtype == DTYPE and array.shape == (LEN,), (array.dtype, array.shape)
    index = np.array_split(np.arange(LEN), parts)[part]
    # A row at a time, so that others who write at the same time have time to.
    for i in index:
        array[i] = rows(i, i + 1)[0]
    array.flush()
elif task == "check":
    array = np.load(path, mmap_mode="r")
    assert array.dtype == DTYPE and array.shape == (LEN,), (array.dtype, array.shape)
    assert (array == rows(0, LEN)).all(), np.flatnonzero(array != rows(0, LEN))[:10]
    print("right")
