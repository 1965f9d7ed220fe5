import sys

import numpy as np

folder = sys.argv[1]
random = np.random.default_rng(7)
for name, data in [
    ("u2", np.arange(500, dtype="<u2")),
    ("f8", np.arange(1500, dtype=">f8").reshape(500, 3)),
    ("f", np.asfortranarray(np.arange(1000, dtype="<i4").reshape(500, 2))),
    ("record", np.array([(i, -i) for i in range(500)], dtype=[("a", ">i4"), ("b", "<i2")])),
]:
    np.save(f"{folder}/{name}.npy", data)
    for offset in ["<i4", ">i4", "<u4", ">u4", "<i8", ">i8", "<u8", ">u8"]:
        bounds = np.sort(random.integers(0, 501, 30))
        bounds[3] = bounds[4]
        np.save(f"{folder}/{name}{offset[1:]}{'le' if offset[0] == '<' else 'be'}.npy", bounds.astype(offset))
        rows = np.split(data, bounds)[1:-1]
        for row in rows:
            print(name, offset[1:] + ("le" if offset[0] == "<" else "be"), row.shape, row.tobytes().hex(), sep="\t")
lengths = random.integers(0, 9, 100).astype("<u2")
np.save(f"{folder}/lengths.npy", lengths)
np.save(f"{folder}/cumulative.npy", np.concatenate([[0], np.cumsum(lengths, dtype="i8")]))

import pyarrow as pa

lists = pa.array([[1, 2], [], None, [3], [4, 5, 6], []], type=pa.list_(pa.int32()))
texts = pa.array(["", "añb", "語", "x"], type=pa.large_string())
for name, array in [("lists", lists), ("sliced", lists.slice(1, 4)), ("texts", texts)]:
    offsets = array.offsets if hasattr(array, "offsets") else None
    if name == "texts":
        raw, data = array.buffers()[1], array.buffers()[2]
    else:
        raw, data = offsets.buffers()[1].slice(4 * offsets.offset, 4 * len(offsets)), lists.values.buffers()[1]
    open(f"{folder}/{name}.offsets", "wb").write(raw)
    open(f"{folder}/{name}.data", "wb").write(data)
    for row in array.to_pylist():
        print(name, "arrow", len(row or ""), row.encode().hex() if isinstance(row, str) else row or [], sep="\t")
