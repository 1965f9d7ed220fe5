"""stack.py read FOLDER | write FOLDER | stacks FOLDER

Reads and writes folders of `.npy` files as Dask's arrays, each file a chunk along the first axis. `stacks` writes
stacks of all kinds, each with the whole array in a file `whole`, and prints of each whether the axis is one that can be
read.
"""

import pathlib
import pickle
import sys

import dask.array as da
import numpy as np

how, folder = sys.argv[1], pathlib.Path(sys.argv[2])
if how == "read":
    paths = sorted(folder.glob("*.npy"), key=lambda path: int(path.stem))
    # Each file opened in place, and all of them one array.
    ticks = da.concatenate([da.from_array(np.load(path, mmap_mode="r"), chunks=100) for path in paths])
    # The same by Dask's own door, for which it wants a file that says what the chunks are.
    chunks = (tuple(len(np.load(path, mmap_mode="r")) for path in paths),)
    (folder / "info").write_bytes(pickle.dumps({"chunks": chunks, "dtype": ticks.dtype, "axis": 0}))
    stack = da.from_npy_stack(folder, mmap_mode="r")
    assert stack.shape == ticks.shape and stack.dtype == ticks.dtype
    assert (stack.compute() == ticks.compute()).all()
    buy = ticks[ticks["side"] == b"b"]
    answers = [ticks["size"].sum(), ticks["price"].astype("f8").mean(), ticks["price"].max(), buy["size"].sum()]
    print(len(ticks), *(float(answer) for answer in da.compute(*answers)))
elif how == "stacks":
    random = np.random.default_rng(5)
    dtypes = ["<f8", ">i2", "S3", "<M8[ns]", [("a", "<u2"), ("b", ">f4", (2,)), ("t", "<m8[s]")], "<U2", "?"]
    for case in range(35):
        dtype = np.dtype(dtypes[case % len(dtypes)])
        shape = tuple(int(length) for length in random.choice([1, 2, 7, 300], 1 + case % 3))
        whole = np.frombuffer(random.bytes(int(np.prod(shape)) * dtype.itemsize), "u1")
        whole = whole.view(dtype).reshape(shape) if dtype.kind not in "b?" else (whole % 2).view(dtype).reshape(shape)
        if dtype.kind == "U":
            whole = (np.arange(whole.size) % 90).astype(dtype).reshape(shape)
        axis = int(random.integers(-1, 2)) if len(shape) > 1 else 0
        chunks = tuple(int(random.integers(1, length + 1)) for length in shape)
        array = da.from_array(whole, chunks=chunks)
        da.to_npy_stack(folder / str(case), array, axis=axis)
        pickled = pickle.loads((folder / str(case) / "info").read_bytes())
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            (folder / str(case) / f"info.{protocol}").write_bytes(pickle.dumps(pickled, protocol))
        np.save(folder / str(case) / "whole.npy", whole)
        files = len(pickled["chunks"][axis])
        print(case, files, "read" if axis == 0 or files == 1 else "refused")
    # What NumPy's numbers become.
    (folder / "numpy").write_bytes(pickle.dumps({"axis": np.int64(0), "chunks": ((np.int64(3),),)}))
    (folder / "zero").write_bytes(pickle.dumps({"axis": 0, "chunks": ((3,),)}, 0))
else:
    numbers = da.arange(30_000, chunks=7000, dtype="<i4").reshape(10_000, 3).rechunk((1024, 3))
    da.to_npy_stack(folder / "matrix", (numbers / 2).astype(">f4"), axis=0)
    records = np.dtype([("id", "<u2"), ("value", ">f8"), ("name", "S3")])

    def make(block_info=None):
        (start, end), = block_info[None]["array-location"]
        rows = np.zeros(end - start, records)
        rows["id"] = np.arange(start, end)
        rows["value"] = np.arange(start, end) / 4
        rows["name"] = np.where(rows["id"] % 2, b"odd", b"ev")
        return rows

    da.to_npy_stack(folder / "records", da.map_blocks(make, chunks=((400, 100, 500),), dtype=records), axis=0)
