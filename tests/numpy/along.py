"""Reductions of arrays along all their axes, as NumPy makes them, in files in a folder.

`N.npy` is an array, and `N.sum.0-2.npy` its sum along the axes 0 and 2. What NumPy has no result for is left out.
"""

import itertools
import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
rng = np.random.default_rng(7)
shapes = [(), (1,), (9,), (1000,), (20000,), (3, 700), (700, 3), (130, 131), (0, 3)]
shapes += [(4, 1, 300), (30, 20, 10), (3, 4, 5, 6)]
dtypes = ["f4", "f8", ">f4", ">f8", "i1", "i2", ">i4", "i8", "u1", "u2", "u4", "u8", "?", "M8[s]"]
# For views without a type alone.
dtypes += ["f2", ">f2", "c8", ">c16", ">m8[D]"]


def array(dtype, shape):
    """Numbers of all sizes, of which some are special."""
    kind = np.dtype(dtype).kind
    size = int(np.prod(shape))
    if kind == "c":
        made = rng.standard_normal(size) + 1j * rng.standard_normal(size)
    elif kind == "f":
        made = rng.standard_normal(size) * 10.0 ** rng.integers(-3, 4, size)
        special = rng.random(size) < 0.002
        made[special] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], special.sum())
    elif kind == "?" or kind == "b":
        made = rng.random(size) < 0.5
    elif kind in "mM":
        made = rng.integers(-(10**9), 10**9, size)
        made[rng.random(size) < 0.002] = np.iinfo("i8").min
    else:
        info = np.iinfo(dtype)
        made = rng.integers(info.min, info.max, size, dtype=np.dtype(dtype).newbyteorder("="), endpoint=True)
    return made.astype(dtype).reshape(shape)


def reductions(a):
    """The names and functions that there are for a dtype."""
    kind = a.dtype.kind
    if kind == "c":
        yield "sum", lambda axes: a.sum(axis=axes)
        yield "mean", lambda axes: a.mean(axis=axes, dtype="c16")
        return
    # In the byte order of the array, which NumPy does not keep.
    yield "min", lambda axes: np.asarray(a.min(axis=axes)).astype(a.dtype)
    yield "max", lambda axes: np.asarray(a.max(axis=axes)).astype(a.dtype)
    # Along one axis only: of several, NumPy raises `TypeError`.
    yield "argmin", lambda axes: np.asarray(a.argmin(axis=axes[0] if len(axes) == 1 else axes))
    yield "argmax", lambda axes: np.asarray(a.argmax(axis=axes[0] if len(axes) == 1 else axes))
    if kind in "mM":
        return
    if a.dtype.itemsize == 2 and kind == "f":
        yield "mean", lambda axes: a.mean(axis=axes, dtype="f8")
        return
    yield "any", lambda axes: np.asarray(a.any(axis=axes))
    yield "all", lambda axes: np.asarray(a.all(axis=axes))
    yield "count_nonzero", lambda axes: np.asarray(np.count_nonzero(a, axis=axes))
    if kind == "f":
        yield "sum", lambda axes: a.sum(axis=axes)
    else:
        # Of 64 bits NumPy's sums wrap around; as text they are exact.
        yield "sum", lambda axes: np.asarray(a.astype(object).sum(axis=axes), dtype=object)
    yield "mean", lambda axes: a.mean(axis=axes, dtype="f8")
    yield "var", lambda axes: a.var(axis=axes, dtype="f8", ddof=1)


def whole(a):
    """The names and results of what there is for all elements at once."""
    if a.size == 0 or a.dtype.kind in "cm" or a.dtype in ("<f2", ">f2"):
        return
    yield "argmin", a.argmin()
    yield "argmax", a.argmax()
    if a.dtype.kind == "M":
        return
    doubles = a.astype("f8")
    yield "whole_any", np.asarray(a.any())
    yield "whole_all", np.asarray(a.all())
    yield "whole_count", np.asarray(np.count_nonzero(a))
    yield "whole_var", a.var(dtype="f8")
    if a.dtype.kind == "f" and not np.isnan(a).all():
        yield "nan_sum", np.nansum(a)
        yield "nan_mean", np.nanmean(a, dtype="f8")
        yield "nan_min", np.nanmin(a)
        yield "nan_max", np.nanmax(a)
    yield "dot", np.dot(doubles.ravel(), doubles.ravel()[::-1])
    yield "even", np.histogram(doubles[np.isfinite(doubles)], np.linspace(-3, 3, 11))[0]
    yield "uneven", np.histogram(doubles[np.isfinite(doubles)], [-100, -1, 0, 0.5, 7, 1e300])[0]
    if a.dtype in ("u1", "u2", "?"):
        yield "bincount", np.bincount(a.ravel(), minlength=1 << 16)


def put(name, result):
    if result.dtype == object:
        lines = [str(int(number)) for number in result.ravel()]
        (folder / (name + ".txt")).write_text("\n".join([repr(list(result.shape)), *lines]), encoding="ascii")
    else:
        np.save(folder / (name + ".npy"), result)


np.save(folder / "edges.npy", np.linspace(-3, 3, 11))
with np.errstate(all="ignore"):
    for number, (dtype, shape) in enumerate(itertools.product(dtypes, shapes)):
        a = array(dtype, shape)
        if number % 2:
            a = np.asfortranarray(a)
        np.save(folder / f"{number}.npy", a)
        for name, result in whole(a):
            put(f"{number}.{name}.", np.asarray(result))
        for count in range(1, a.ndim + 1):
            for axes in itertools.combinations(range(a.ndim), count):
                for name, reduce in reductions(a):
                    try:
                        result = np.asarray(reduce(axes))
                    except (ValueError, TypeError):
                        continue
                    put(f"{number}.{name}.{'-'.join(map(str, axes))}", result)
