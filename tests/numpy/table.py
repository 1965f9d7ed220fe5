"""What the NumPy side of each row of the tables of `guide::numpy` gives.

Arguments: a command, then, for `make`, folders; for `run`, for each row a folder, statements that come before it, and
the row itself. Of each row's result every line is its number, the name of a trait, and the trait.
"""

import os
import sys
from tempfile import TemporaryFile

import numpy as np
from numpy.lib.format import dtype_to_descr
from numpy.lib.recfunctions import repack_fields

STAR = np.dtype([("id", "u4"), ("tag", "S4"), ("rgb", "u1", (3,)), ("pos", [("x", "f4"), ("y", "f4")])])


def make(folder):
    """The files that the rows are about."""
    numbers = ((np.arange(24) * 7 + 5) % 24).astype("f4").reshape(4, 6)
    with open(f"{folder}/numbers.f4", "wb") as file:
        file.write(bytes(8))
        numbers.tofile(file)
    np.save(f"{folder}/numbers.npy", numbers)
    np.savez(f"{folder}/numbers.npz", x=numbers, n=np.arange(3))
    stars = np.zeros(6, STAR)
    stars["id"] = [3, 1, 4, 1, 5, 9]
    stars["tag"] = [b"G2V", b"", b"M5.5", b"B8", b"K1", b"A0"]
    stars["rgb"] = np.arange(18).reshape(6, 3)
    stars["pos"]["x"], stars["pos"]["y"] = np.arange(6) / 4, np.arange(6) * -2.5
    stars.tofile(f"{folder}/stars")


def map_of(array):
    """The array that NumPy mapped, of which this one is a part."""
    while isinstance(array.base, np.memmap):
        array = array.base
    return array


def traits(result, row):
    if result is None:
        return
    yield "str", str(result)
    if isinstance(result, np.dtype):
        yield "dtype", repr(dtype_to_descr(result))
    if isinstance(result, str) and os.sep in result:
        yield "file", os.path.basename(result)
    if isinstance(result, bytes):
        yield "bytes", result.hex()
    if isinstance(result, (int, float, tuple)):
        yield "value", repr(result)
    if isinstance(result, list):
        result = np.array(result)
    if isinstance(result, np.generic):
        yield "value", repr(result.item())
    if isinstance(result, (np.generic, np.ndarray)):
        # With and without what lies between the fields of `arr[["a", "c"]]`.
        yield "dtype", repr(dtype_to_descr(result.dtype))
        yield "dtype", repr(dtype_to_descr(repack_fields(result.dtype)))
        yield "list", repr(np.ravel(result).tolist())
    if isinstance(result, np.ndarray):
        yield "shape", repr(result.shape)
        yield "strides", repr(result.strides)
    if isinstance(result, np.memmap) and result.mode is not None:
        whole = map_of(result)
        address = [array.__array_interface__["data"][0] for array in (result, whole)]
        yield "offset", str(whole.offset + address[0] - address[1])
        yield "file", os.path.basename(result.filename or "")
        yield "mode", result.mode.replace("w+", "r+")
        # Whether it goes to the file shows in the file. The arrays that were there before the row stay as they are.
        if result.mode != "r" and not (row.get("arr") is not None and np.may_share_memory(result, row["arr"])):
            result[(0,) * result.ndim] = np.frombuffer(b"\1" * result.itemsize, result.dtype)[0]


def run(number, folder, before, text):
    row = {"np": np, "TemporaryFile": TemporaryFile, "STAR": STAR, "folder": folder}
    exec(before, row)
    try:
        code = compile(text, text, "eval")
    except SyntaxError:
        exec(compile(text, text, "exec"), row)
        return
    for name, trait in traits(eval(code, row), row):
        print(number, name, trait.replace("\n", "\\n"), sep="\t")


if __name__ == "__main__":
    command, *args = sys.argv[1:]
    if command == "make":
        for folder in args:
            make(folder)
    else:
        for number in range(len(args) // 3):
            folder, before, text = args[3 * number : 3 * number + 3]
            try:
                run(number, folder, before, text)
            except Exception as error:
                error.add_note(text)
                raise
