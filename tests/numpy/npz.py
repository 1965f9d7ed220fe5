"""Archives as NumPy and Python's zipfile write them, and what NumPy reads of an archive.

`read` prints a line for each array: name, descr, shape, `str` of the array. `check` lets zipfile check all sums, and
that the elements of every stored member begin at a multiple of 64. `names` lets it check all sums, and prints the
names. `append` adds a member. Anything else writes an archive of that kind.
"""

import io
import struct
import sys
import zipfile

import numpy as np
from numpy.lib.format import dtype_to_descr, read_array_header_1_0, read_magic

what, path = sys.argv[1:]

arrays = {
    "x": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
    "zero_d": np.array(2.5, "<f4"),
    "empty": np.zeros((0, 3), "<u4"),
    "records": np.array([(1, b"a", (0.5, 1)), (2, b"bc", (1.5, 2))],
                        np.dtype([("i", "<i4"), ("s", "S3"), ("p", "<f4", (2,))], align=True)),
    "times": np.array(["2020-01-01", "NaT"], "<M8[s]"),
    "text": np.array(["é", "ab"]),
    "sub/folder": np.array([True, False]),
    "日本": np.ones(100, "u1"),
    "big": np.tile(np.arange(1000, dtype="<i8"), 300),
}


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def put(archive, names=("x", "records", "fortran"), **options):
    for name in names:
        archive.writestr(zipfile.ZipInfo(name + ".npy"), npy(arrays[name]), **options)


if what in ("read", "read_numbers"):
    # Not `np.load`, which knows an archive by its first bytes.
    with np.lib.npyio.NpzFile(open(path, "rb"), own_fid=True) as archive:
        for name in dict.fromkeys(archive.files):
            if what == "read_numbers" and name == "objects":
                continue
            array = archive[name]
            if isinstance(array, np.ndarray):
                text = str(array).replace("\n", "\\n")
                print(name, repr(dtype_to_descr(array.dtype)), list(array.shape), text, sep="\t")
elif what == "check":
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        assert archive.testzip() is None
        for info in archive.infolist():
            if info.compress_type != zipfile.ZIP_STORED:
                continue
            file.seek(info.header_offset + 26)
            file.seek(sum(struct.unpack("<HH", file.read(4))), 1)
            assert read_magic(file) == (1, 0)
            read_array_header_1_0(file)
            assert file.tell() % 64 == 0, info
        print(len(archive.infolist()), "members, all aligned")
elif what == "names":
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == len(set(archive.namelist()))
        print(*archive.namelist(), sep="\n")
elif what == "append":
    # As others add to an archive.
    with zipfile.ZipFile(path, "a") as archive:
        put(archive, ["text"])
        archive.comment += b"!"
elif what in ("savez", "savez_compressed"):
    getattr(np, what)(path, **arrays)
elif what == "prepended":
    with open(path, "wb") as file:
        file.write(b"#!/bin/sh\nexit\n" * 7)
    # The offsets count from the archive's own beginning: what `cat` makes.
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    with open(path, "ab") as file:
        file.write(buffer.getvalue())
elif what == "zip64":
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(name + ".npy", "w", force_zip64=True) as file:
                file.write(npy(array))
elif what == "streamed":
    # Without seeking back, sizes and sum stand behind the member.
    class Pipe(io.RawIOBase):
        def __init__(self, file):
            self.file = file

        def writable(self):
            return True

        def write(self, data):
            return self.file.write(data)

    with open(path, "wb") as file, zipfile.ZipFile(Pipe(file), "w") as archive:
        put(archive)
        put(archive, ["big"], compress_type=zipfile.ZIP_DEFLATED)
elif what == "mixed":
    with zipfile.ZipFile(path, "w") as archive:
        put(archive)
        put(archive, ["big", "text"], compress_type=zipfile.ZIP_DEFLATED)
        archive.writestr("note.txt", "no array")
elif what == "comment":
    with zipfile.ZipFile(path, "w") as archive:
        archive.comment = b"x" * 60_000
        put(archive)
elif what == "cp437":
    with zipfile.ZipFile(path, "w") as archive:
        put(archive)
        archive.writestr("name.npy", npy(arrays["x"]))
    with open(path, "rb+") as file:
        data = file.read().replace(b"name.npy", bytes([0x82, 0xE3, 0xFF, 0x9B]) + b".npy")
        file.seek(0)
        file.write(data)
elif what == "twice":
    with zipfile.ZipFile(path, "w") as archive:
        for name, number in [("x.npy", 1), ("x.npy", 2), ("y", 3), ("y.npy", 4)]:
            archive.writestr(name, npy(np.array([number], "u1")))
elif what == "others":
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no array")
        archive.mkdir("folder")
        file = io.BytesIO()
        np.save(file, np.array([{}]), allow_pickle=True)
        archive.writestr("objects.npy", file.getvalue())
        archive.writestr("bzipped.npy", npy(arrays["big"]), zipfile.ZIP_BZIP2)
        archive.writestr("lzma.npy", npy(arrays["big"]), zipfile.ZIP_LZMA)
        put(archive, ["x"])
elif what == "far":
    with open(path, "wb") as file:
        file.seek(5 << 30)
        with zipfile.ZipFile(file, "w") as archive:
            put(archive)
            put(archive, ["big"], compress_type=zipfile.ZIP_DEFLATED)
elif what == "many":
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(66_000):
            # The others are empty, for speed.
            archive.writestr(f"{number}.npy", npy(np.array([number & 0xFFFF], "<u2")) if number == 65_999 else b"")
else:
    sys.exit(what)
