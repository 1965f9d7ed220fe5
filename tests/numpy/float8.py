"""Every float of 8 bits as ml_dtypes has it: written, printed, and made of other floats, in files in a folder."""

import sys
from pathlib import Path

import ml_dtypes
import numpy as np

folder = Path(sys.argv[1])
# Floats of all sizes, on both sides of every middle of two numbers, and on it.
middles = []
for name in sys.argv[2:]:
    every = np.arange(256, dtype="u1").view(getattr(ml_dtypes, name)).astype("f8")
    every = np.unique(every[np.isfinite(every)])
    middles += [every, (every[1:] + every[:-1]) / 2, every * 2]
with np.errstate(over="ignore"):
    middles = np.concatenate(middles).astype("f4")
    above, below = np.nextafter(middles, np.float32(np.inf)), np.nextafter(middles, np.float32(-np.inf))
sizes = np.arange(0, 1 << 32, 99_991, dtype="u4").view("f4")
floats = np.concatenate([middles, above, below, sizes, np.array([0.0, -0.0, np.inf, -np.inf, np.nan], "f4")])
np.save(folder / "floats.npy", floats)
integers = np.concatenate([np.arange(-70_000, 70_000), (1 << np.arange(63)), (3 << np.arange(61))])
np.save(folder / "integers.npy", integers)

for name in sys.argv[2:]:
    dtype = np.dtype(getattr(ml_dtypes, name))
    every = np.arange(256, dtype="u1").view(dtype)
    np.save(folder / f"{name}.npy", every)
    np.save(folder / f"{name}_values.npy", every.astype("f8"))
    texts = [str(number) for number in every] + str(every.reshape(16, 16)).split("\n")
    (folder / f"{name}_texts").write_text("\n".join(texts), encoding="ascii")
    with np.errstate(all="ignore"):
        np.save(folder / f"{name}_made.npy", floats.astype(dtype))
        np.save(folder / f"{name}_made_of_doubles.npy", floats.astype("f8").astype(dtype))
        np.save(folder / f"{name}_of_integers.npy", integers.astype("f4").astype(dtype))
    records = np.zeros(3, [("a", "u1"), ("b", dtype)])
    records["b"] = every[1:4]
    np.save(folder / f"{name}_records.npy", records)

    # The name itself, which NumPy reads where ml_dtypes is imported.
    text = f"{{'descr': '{name}', 'fortran_order': False, 'shape': (256,), }}".ljust(117).encode() + b"\n"
    named = folder / f"{name}_named.npy"
    named.write_bytes(b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + every.tobytes())
    assert np.load(named).tobytes() == every.tobytes() and np.load(named).dtype == dtype
