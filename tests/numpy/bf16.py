"""Every `bfloat16` as ml_dtypes has it: written, printed, and made of other floats, in files in a folder."""

import sys
from pathlib import Path

import numpy as np
from ml_dtypes import bfloat16

folder = Path(sys.argv[1])
every = np.arange(1 << 16, dtype="u2").view(bfloat16)
np.save(folder / "every.npy", every)
np.save(folder / "doubles.npy", every.astype("f8"))
(folder / "texts").write_text("\n".join(str(number) for number in every), encoding="ascii")
(folder / "array").write_text(str(every[16200:16500]) + "\n" + str(every[:4000].reshape(4, -1)), encoding="ascii")

# Floats between every two neighbours, near to their middle, and what they become. ml_dtypes rounds doubles to float32
# first, so that these are such as a float32 has.
with np.errstate(all="ignore"):
    below = every[np.isfinite(every)].astype("f8")
    step = np.abs(below - (every[np.isfinite(every)].view("u2") ^ 1).view(bfloat16).astype("f8"))
    parts = np.array([0, 0.25, 0.4921875, 0.5, 0.5078125, 0.75, 1])
    floats = (below[:, None] + step[:, None] * parts).astype("f4").ravel()
np.save(folder / "floats.npy", floats)
with np.errstate(all="ignore"):
    np.save(folder / "made.npy", floats.astype(bfloat16))
    np.save(folder / "made_of_doubles.npy", floats.astype("f8").astype(bfloat16))
    np.save(folder / "ints.npy", every.astype("f4").astype("i4"))
integers = np.arange(-70000, 70000, dtype="i4")
np.save(folder / "of_ints.npy", integers.astype(bfloat16))
