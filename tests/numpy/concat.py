"""concat.py FOLDER

Writes arrays in several files each, as FOLDER/CASE/SHARD.npy and whole as FOLDER/CASE/whole.npy, and prints for windows
of each: the case, the dtype, the number of files, the window, and for numbers the bytes of the sum, in the type of the
elements or exact, and the positions of the smallest and the largest element.
"""

import pathlib
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(7)
dtypes = ["<f4", "<f8", ">f8", "<i4", "|u1", "S3", "<M8[s]", [("id", "<u2"), ("value", ">f4")]]
for case in range(64):
    dtype = np.dtype(dtypes[case % len(dtypes)])
    others = tuple(random.choice([0, 1, 2, 3, 17], random.integers(0, 3)))
    shards = []
    for _ in range(random.integers(1, 6)):
        shape = (random.choice([0, 1, 2, 40, 999]), *others)
        shard = np.frombuffer(random.bytes(int(np.prod(shape)) * dtype.itemsize), "u1").view(dtype).reshape(shape)
        if dtype.kind == "f":
            shard = random.normal(size=shape).astype(dtype)
        if dtype.kind == "M":
            shard = (random.integers(-9, 9, shape)).astype(dtype)
        shards.append(np.asfortranarray(shard) if case >= 48 and random.integers(2) else shard)
    (folder / str(case)).mkdir()
    for number, shard in enumerate(shards):
        np.save(folder / str(case) / f"{number}.npy", shard)
    whole = np.concatenate(shards).astype(dtype)
    np.save(folder / str(case) / "whole.npy", np.ascontiguousarray(whole))
    for _ in range(4):
        start, end = np.sort(random.integers(0, len(whole) + 1, 2))
        window = whole[start:end]
        answers = []
        if dtype.kind in "fiu":
            total = np.asarray(window.sum())
            # Of a float the bytes, the lowest first.
            of_float = total.astype(total.dtype.newbyteorder("<")).tobytes().hex()
            answers.append(of_float if dtype.kind == "f" else str(sum(window.ravel().tolist())))
            answers += [str(window.argmin()), str(window.argmax())] if window.size else ["-", "-"]
        print(case, dtype.str if dtype.names is None else "record", len(shards), start, end, *answers)
