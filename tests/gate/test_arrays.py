"""Headers that lie, archives that explode, and files under another name."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest

from vestige.gate import Missing, Unreadable, first_bytes, open_npy, open_npz, open_zip, read_gzip, read_npy, read_npz


def npy(text, values=b"", *, version=1, claimed=None):
    """An .npy file with this header."""
    header = text.encode("latin1") + b"\n"
    length = len(header) if claimed is None else claimed
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", length) + header + values


def header(descr="<f8", shape=(1,), fortran=False):
    return repr({"descr": descr, "fortran_order": fortran, "shape": shape})


def saved(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def zipped(entries, compression=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    "array", [np.arange(6.0).reshape(2, 3), np.float32(3), np.zeros((0, 3)), np.array(["a", "bc"])]
)
def test_sound_files_are_read(array, tmp_path):
    (tmp_path / "a.npy").write_bytes(saved(array))
    np.testing.assert_array_equal(read_npy(tmp_path / "a.npy"), array)
    np.savez_compressed(tmp_path / "a.npz", x=array, y=np.asfortranarray(np.ones((2, 3))))
    found = read_npz(tmp_path / "a.npz")
    assert list(found) == ["x", "y"] and found["y"].shape == (2, 3)
    np.testing.assert_array_equal(found["x"], array)
    assert list(read_npz(tmp_path / "a.npz", "y", optional=("x", "z"))) == ["y", "x"]


def test_fortran_order_is_kept(tmp_path):
    array = np.asfortranarray(np.arange(6).reshape(2, 3))
    np.save(tmp_path / "a.npy", array)
    np.testing.assert_array_equal(read_npy(tmp_path / "a.npy"), array)
    with open_npy(tmp_path / "a.npy") as (_, found):
        assert found.fortran and found.shape == (2, 3)


FAULTY = {
    "empty": (b"", "it is empty"),
    "csv": (b"time,value\n0,1\n", "it does not begin as one"),
    "pickle": (b"\x80\x04pickle", "it does not begin as one"),
    "a trillion values": (npy(header(shape=(10**12,))), "takes 8,000,000,000,000 bytes, and 0 follow its header"),
    "overflow": (npy(header(shape=(2**62, 2**62))), "bytes, and 0 follow"),
    "negative": (npy(header(shape=(-1,)), b"0" * 8), r"its header says shape \(-1,\)"),
    "truth": (npy(header(shape=(True,)), b"0" * 8), r"its header says shape \(True,\)"),
    "many axes": (npy(header(shape=(1,) * 50), b"0" * 8), "its header says shape"),
    "objects": (saved(np.array([{}, 1], dtype=object)), "it holds Python objects, which are not read"),
    "structure": (saved(np.zeros(2, [("a", "<i4")])), r"it holds values of \[\('a', '<i4'\)\]"),
    "void": (npy(header("|V8"), b"0" * 8), "it holds values of"),
    "nothing each": (npy(header("<U0", (10**11,))), "it holds 100,000,000,000 values"),
    "cut": (saved(np.ones(100))[:-1], "takes 800 bytes, and 799 follow its header"),
    "more": (saved(np.ones(2)) + b"x", "takes 16 bytes, and 17 follow its header"),
    "cut in the header": (saved(np.ones(2))[:40], "its header is damaged"),
    "cut in the magic": (saved(np.ones(2))[:7], "it is cut short"),
    "long header": (npy("{}", version=2, claimed=2**31), "its header claims 2,147,483,648 bytes"),
    "longer than the file": (npy("{}", claimed=9000), "its header is damaged"),
    "version 9": (npy("{}", version=9), "it is cut short, or of a format for structured values"),
    "parentheses": (npy("(" * 9000), "its header is damaged"),
    "braces": (npy("{" * 9000), "its header is damaged"),
    "minus": (npy("-" * 9000 + "1"), "its header is damaged"),
    "digits": (npy("{'descr':'<f8','fortran_order':False,'shape':(" + "9" * 6000 + ",)}"), "its header is damaged"),
    "no dictionary": (npy("[1, 2]"), "its header is damaged"),
    "no type": (npy(header("zz")), "its header is damaged"),
    "call": (npy("__import__('os').getpid()"), "its header is damaged"),
    "archive": (zipped([("a.npy", saved(np.ones(2)))]), "it is an .npz archive under another name"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_faulty_npy_files_are_refused(name, tmp_path):
    data, clause = FAULTY[name]
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(Unreadable, match=clause) as refused:
        read_npy(tmp_path / "a.npy")
    assert len(str(refused.value)) < 2000
    if name in ("empty", "csv", "pickle", "archive"):
        return
    (tmp_path / "a.npz").write_bytes(zipped([("x.npy", data)]))
    with pytest.raises(Unreadable, match="its array 'x'|array 'x' holds 100,000,000,000"):
        read_npz(tmp_path / "a.npz")


def patched(data, **fields):
    """A zip archive whose central directory claims something else."""
    begin = data.rindex(b"PK\x01\x02")
    places = {"flags": (8, "<H"), "method": (10, "<H"), "size": (24, "<I")}
    changed = bytearray(data)
    for name, value in fields.items():
        at, kind = places[name]
        struct.pack_into(kind, changed, begin + at, value)
    return bytes(changed)


ONE = zipped([("x.npy", saved(np.arange(1000.0)))])
BROKEN = {
    "empty": (b"", "it is empty"),
    "text": (b"not a zip", "it is not a sound npz file"),
    "npy": (saved(np.ones(2)), "it is an .npy file under another name"),
    "cut": (ONE[:-30], "it is not a sound npz file"),
    "twice": (zipped([("x.npy", b"1"), ("x", b"2")]), "two arrays of the same name"),
    "claims 4 GB": (patched(ONE, size=2**32 - 2), "4,294,967,294 bytes when decompressed, and at most 1,000,000"),
    "claims less": (patched(ONE, size=200), "it is not a sound npz file"),
    "encrypted": (patched(ONE, flags=1), "it is encrypted"),
    "another method": (patched(ONE, method=14), "it is compressed by method 14"),
    "flipped": (ONE[:400] + bytes([ONE[400] ^ 255]) + ONE[401:], "it is not a sound npz file"),
    "none": (zipped([]), "it has no array x, and no other"),
    "another": (zipped([("y.npy", saved(np.ones(2)))]), "it has no array x, only y"),
    "no array": (zipped([("x.npy", b"text")]), "its array 'x' is not a sound npy file"),
    "bomb": (zipped([("x.npy", npy(header("|i1", (900_000,)), bytes(900_000)))]), "holds 900,000 values"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_archives_are_refused(name, tmp_path):
    data, clause = BROKEN[name]
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(Unreadable, match=clause):
        read_npz(tmp_path / "a.npz", "x", limit=1_000_000)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(tmp_path):
    (tmp_path / "a.npz").write_bytes(zipped([("x.npy", saved(np.ones(2)))] * 2))
    with pytest.raises(Unreadable, match="two entries of the same name"):
        read_npz(tmp_path / "a.npz")


def test_all_arrays_together_are_bounded(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(100, np.int8), y=np.zeros(100, np.int8))
    with open_npz(tmp_path / "a.npz", limit=1500) as npz:
        assert npz.read("x").shape == (100,)
        with pytest.raises(Unreadable, match="at most 87 numbers"):
            npz.read("y")


def test_gzip_is_decompressed_no_further_than_wanted(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes(10**6), mtime=0))
    assert first_bytes(path, 10, limit=10**5) == bytes(10)
    with pytest.raises(Unreadable, match="more than the 10,000 bytes, decompressed"):
        read_gzip(path, limit=10_000)
    path.write_bytes(gzip.compress(b"abc", mtime=0))
    assert read_gzip(path, limit=100) == b"abc"


@pytest.mark.parametrize(
    ("data", "clause"),
    [
        (b"", None),
        (b"plain", "it is not a sound gzip file"),
        (gzip.compress(b"abc" * 1000, mtime=0)[:-9], "it is cut short"),
        (gzip.compress(b"abc", mtime=0)[:-6] + b"\0" * 6, "it is not a sound gzip file"),
        (gzip.compress(b"abc", mtime=0) + b"more", "it is not a sound gzip file"),
    ],
)
def test_broken_gzip_is_refused(data, clause, tmp_path):
    (tmp_path / "a.gz").write_bytes(data)
    if clause is None:
        assert read_gzip(tmp_path / "a.gz", limit=10_000) == b""
        return
    with pytest.raises(Unreadable, match=clause):
        read_gzip(tmp_path / "a.gz", limit=10_000)


@pytest.mark.parametrize("read", [read_npy, read_npz, lambda path: read_gzip(path, limit=10)])
def test_a_missing_file_is_missing(read, tmp_path):
    with pytest.raises(Missing, match="there is no such file"):
        read(tmp_path / "a")


def test_what_is_raised_by_the_caller_passes(tmp_path):
    (tmp_path / "a.zip").write_bytes(ONE)
    with pytest.raises(KeyboardInterrupt), open_zip(tmp_path / "a.zip", limit=10**6):
        raise KeyboardInterrupt
