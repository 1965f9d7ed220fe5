"""Arrays that do not have a `.npy` file of their own, as NumPy writes them: one after another in one file, behind other
data, and compressed as a whole.

Prints a line for each array: the file, the byte at which the array begins, its descr, its shape, and the bytes of its
elements in C order.
"""
import gzip, io, os, random, sys

import numpy as np
import pyarrow as pa

folder, seed = sys.argv[1], int(sys.argv[2])
rng = random.Random(seed)
dtypes = ["<f8", ">f8", "<i2", ">u4", "|u1", "<c16", "|S3", "<M8[s]", [("id", "<u2"), ("px", ">f4")]]
shapes = [(), (0,), (1,), (7,), (3, 5), (4, 1, 300), (0, 3), (2000,), (129, 65)]


def array():
    dtype, shape = np.dtype(rng.choice(dtypes)), rng.choice(shapes)
    made = np.frombuffer(rng.randbytes(dtype.itemsize * int(np.prod(shape))), dtype).reshape(shape)
    return np.asfortranarray(made) if rng.random() < 0.3 else made


def shown(name, at, a):
    descr = np.lib.format.dtype_to_descr(a.dtype)
    shape = ",".join(map(str, a.shape)) or "-"
    print(name, at, repr(descr).encode().hex(), shape, a.tobytes().hex() or "-")


for number in range(25):
    name = f"many{number}.npy"
    with open(os.path.join(folder, name), "wb") as file:
        for _ in range(rng.randrange(1, 6)):
            a = array()
            shown(name, file.tell(), a)
            np.save(file, a)
    name = f"behind{number}.bin"
    with open(os.path.join(folder, name), "wb") as file:
        file.write(rng.randbytes(rng.choice([1, 63, 4095, 4096, 70_001])))
        a = array()
        shown(name, file.tell(), a)
        np.save(file, a)
        file.write(rng.randbytes(rng.randrange(100)))

for number in range(12):
    a, file = array(), io.BytesIO()
    np.save(file, a)
    whole = file.getvalue()
    cut = rng.randrange(len(whole))
    # In two members or frames, as of files that were compressed in parallel or appended to, and with a skipped frame.
    gz = gzip.compress(whole, 1 + number % 9)
    several = gzip.compress(whole[:cut]) + gzip.compress(b"") + gzip.compress(whole[cut:])
    zst = lambda part: pa.compress(part, codec="zstd", asbytes=True)
    frames = zst(whole[:cut]) + b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zst(whole[cut:])
    parallel = b"\x5f\x2a\x4d\x18\x03\0\0\0abc" + frames
    both = [("a.gz", gz), ("b.gz", several), ("c.zst", zst(whole)), ("d.zst", frames), ("e.zst", parallel)]
    for name, content in both:
        name = f"{number}{name}"
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
        shown(name, 0, a)
    name = f"{number}e.gz"
    with gzip.open(os.path.join(folder, name), "wb") as file:
        np.save(file, a)
    shown(name, 0, a)
