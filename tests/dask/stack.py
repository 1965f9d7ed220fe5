"""stack.py read FOLDER | write FOLDER

Reads and writes folders of `.npy` files as Dask's arrays, each file a chunk along the first axis.
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
