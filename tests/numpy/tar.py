import io
import sys
import tarfile

import numpy as np

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def make(what, path):
    kind, _, case = what.partition("-")
    names = ["x.npy", "sub/folder/y.npy", "a" * 96 + ".npy"]
    names += ["p" * 150 + "/" + "n" * 90 + ".npy", "é/日本.npy"]
    if kind != "ustar":
        names += ["deep/" * 200 + "z.npy", "n" * 3000 + ".npy"]
    if kind == "gnu":
        names += [b"not \xff utf-8.npy".decode("utf-8", "surrogateescape")]
    arrays = [
        np.arange(12, dtype="<f8").reshape(3, 4),
        np.arange(12, dtype=">i4").reshape(2, 2, 3),
        np.asfortranarray(np.arange(6, dtype="<c16").reshape(2, 3)),
        np.array(7, dtype=">u2"),
        np.zeros((0, 3), dtype="<f4"),
        np.array([(1, b"ab", -2.5)], dtype=[("id", ">u4"), ("name", "S3"), ("x", "<f8")]),
        np.array(["2026-01-02", "NaT"], dtype=">M8[D]"),
        np.arange(300, dtype="u1"),
    ]
    if case == "big":
        # Of a member of more than 8 GiB only the header is written, and a hole.
        with open(path, "wb") as file:
            for name, size in [("before.npy", None), ("big", (9 << 30) + 1), ("after.npy", None)]:
                info = tarfile.TarInfo(name)
                contents = npy(arrays[0]) if size is None else b""
                info.size = size or len(contents)
                file.write(info.tobuf(FORMATS[kind]))
                start = file.tell()
                file.write(contents)
                file.seek(start + (info.size + 511) // 512 * 512)
            file.write(bytes(1024))
        return
    headers = {"comment": "0123456789abcdef"} if kind == "pax" else None
    with tarfile.open(path, "w", format=FORMATS[kind], pax_headers=headers) as tar:
        for number in range(3 * len(names)):
            info = tarfile.TarInfo(names[number % len(names)])
            info.mtime = 1234567890.5 if kind == "pax" else 1234567890
            info.uname = "née" if kind == "pax" else "user"
            contents = npy(arrays[number % len(arrays)])
            info.size = len(contents)
            tar.addfile(info, io.BytesIO(contents))
        for name, type, link in [
            ("folder", tarfile.DIRTYPE, ""),
            ("hard", tarfile.LNKTYPE, names[-1]),
            ("soft", tarfile.SYMTYPE, "t" * 90),
            ("fifo", tarfile.FIFOTYPE, ""),
        ]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = type, link
            tar.addfile(info)
        tar.addfile(tarfile.TarInfo("empty"))


def read(path):
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            if not member.isreg():
                continue
            name = member.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            last = tar.getmember(member.name).offset_data
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(tar.extractfile(member).read()))
                descr = repr(np.lib.format.dtype_to_descr(array.dtype))
                said = [descr, str(list(array.shape)), str(array).replace("\n", "\\n")]
            else:
                said = ["", "", ""]
            print(name, member.offset_data, member.size, last, *said, sep="\t")


if sys.argv[1] == "read":
    read(sys.argv[2])
else:
    make(*sys.argv[1:3])
