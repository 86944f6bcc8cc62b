"""What can be wrong with a file or with a word, whatever it is for. Everything is a function of the seed alone."""

import gzip
import io
import os
import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

Place = Callable[[Path], None]
"""Puts something at a path."""


def content(data: bytes) -> Place:
    return lambda path: path.write_bytes(data) and None


def link(target: str) -> Place:
    return lambda path: path.symlink_to(target)


SPECIAL: dict[str, Place] = {
    "missing": lambda path: None,
    "empty": lambda path: path.touch(),
    "folder": lambda path: path.mkdir(),
    "pipe": lambda path: os.mkfifo(path),
    "dangling link": link("nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "device": link("/dev/zero"),
    "endless device": link("/dev/urandom"),
    "sparse terabyte": lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 2**40),
}

ENCODINGS: dict[str, bytes] = {
    "latin-1": "options: été\n".encode("latin-1"),
    "utf-16": '{"options": 1}'.encode("utf-16"),
    "utf-32": '{"options": 1}'.encode("utf-32"),
    "nul": b"\0" * 500,
    "nul inside": b'{"options": "\0"}',
    "surrogate": b'{"options": "\xed\xa0\x80"}',
    "control characters": b"\x1b[2J\x07\x08",
    "noise": random.Random(0).randbytes(3000),
    "one line of 3 MB": b"x" * 3_000_000,
}


def laughs(levels: int) -> str:
    return "\n".join(["a0: &a0 [ha, ha]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, levels))])


YAML: dict[str, bytes] = {
    name: text.encode()
    for name, text in {
        "cut": "options: {a: [1,",
        "tab": "\toptions: 1",
        "list": "- 1\n- 2",
        "number": "7",
        "words": "just words",
        "laughs": laughs(60) + "\noptions: *a59",
        "merges": "\n".join(
            ["a0: &a0 {k: v}", *(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}" for i in range(1, 60)), "options: *a59"]
        ),
        "cycle": "options: &x [*x]",
        "deep": "options: " + "[" * 50_000,
        "rather deep": "options: " + "[" * 200 + "]" * 200,
        "twice": "options: {}\noptions: {}",
        "integer": "options: " + "9" * 6000,
        "date": "options: 2020-99-99",
        "python": "options: !!python/object/apply:os.system ['touch hacked']",
        "tag": "options: !x 1",
        "unhashable": "? [1]\n: 2",
        "two documents": "options: {}\n---\noptions: {}",
        "long key": f"{'k' * 100_000}: 1",
        "keys": "\n".join(f"k{i}: 1" for i in range(10_000)),
        "no options": "schema: 2\nexperiment: toy-matching\n",
        "options a number": "schema: 2\nexperiment: toy-matching\noptions: 3\nseed: 0\n",
        "options null": "schema: 2\nexperiment: toy-matching\noptions: null\nseed: 0\n",
        "schema 99": "schema: 99\nexperiment: toy-matching\noptions: {}\nseed: 0\n",
        "schema text": "schema: '2'\nexperiment: toy-matching\noptions: {}\nseed: 0\n",
        "schema nan": "schema: .nan\nexperiment: toy-matching\noptions: {}\nseed: 0\n",
        "unknown experiment": f"schema: 2\nexperiment: {'e' * 5000}\noptions: {{}}\nseed: 0\n",
        "experiment a list": "schema: 2\nexperiment: [a]\noptions: {}\nseed: 0\n",
        "seed a text": "schema: 2\nexperiment: toy-matching\noptions: {}\nseed: x\n",
        "plugins a list": "schema: 2\nexperiment: toy-matching\noptions: {}\nseed: 0\nplugins: [a]\n",
        "plugin missing": "schema: 2\nexperiment: toy-matching\noptions: {}\nseed: 0\nplugins: {nowhere: '1'}\n",
        "plugin path": "schema: 2\nexperiment: toy-matching\noptions: {}\nseed: 0\nplugins: {../../x: '1'}\n",
        "unknown option": "schema: 2\nexperiment: toy-matching\noptions: {steps: 1, stepps: 2}\nseed: 0\n",
        "infinite option": "schema: 2\nexperiment: toy-matching\noptions: {steps: .inf}\nseed: 0\n",
        "huge option": "schema: 2\nexperiment: toy-matching\noptions: {steps: 1" + "0" * 400 + "}\nseed: 0\n",
    }.items()
}

JSON: dict[str, bytes] = {
    name: text.encode()
    for name, text in {
        "cut": '{"metrics": {"a": 1',
        "list": "[]",
        "number": "3",
        "text": '"x"',
        "null": "null",
        "twice": '{"metrics": {}, "metrics": {}}',
        "nan": '{"metrics": {"a": NaN}}',
        "infinity": '{"metrics": {"a": -Infinity}}',
        "large": '{"metrics": {"a": 1e999}}',
        "integer": '{"metrics": {"a": ' + "9" * 6000 + "}}",
        "deep": "[" * 100_000,
        "deep objects": '{"a":' * 100_000,
        "rather deep": '{"a": ' + "[" * 300 + "]" * 300 + "}",
        "comment": "// {}\n{}",
        "two": "{} {}",
        "trailing comma": '{"a": 1,}',
        "single quotes": "{'a': 1}",
        "empty object": "{}",
        "metrics a list": '{"metrics": []}',
        "members a list": '{"members": []}',
        "members of numbers": '{"members": {"a": 3}}',
    }.items()
}


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def header(text: str, values: bytes = b"", *, version: int = 1, claimed: int | None = None) -> bytes:
    line = text.encode("latin-1") + b"\n"
    length = len(line) if claimed is None else claimed
    kind = "<H" if version == 1 else "<I"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(kind, length) + line + values


def described(descr: object, shape: tuple[int, ...], fortran: bool = False) -> str:
    return repr({"descr": descr, "fortran_order": fortran, "shape": shape})


def zipped(entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


SOUND = np.cumsum(np.random.default_rng(0).normal(size=(300, 2)), 0)

NPY: dict[str, bytes] = {
    "csv": b"time,value\n0,1\n1,2\n",
    "pickle": b"\x80\x04\x95.",
    "npz": zipped({"observations.npy": saved(SOUND)}),
    "gzip": gzip.compress(saved(SOUND)),
    "a trillion values": header(described("<f8", (10**12,))),
    "overflowing shape": header(described("<f8", (2**62, 2**62))),
    "negative shape": header(described("<f8", (-1,)), bytes(8)),
    "shape of truth": header(described("<f8", (True,)), bytes(8)),
    "fifty axes": header(described("<f8", (1,) * 50), bytes(8)),
    "objects": saved(np.array([{}, 1], dtype=object)),
    "structure": saved(np.zeros(300, [("a", "<i4"), ("b", "<f8")])),
    "void": header(described("|V8", (1,)), bytes(8)),
    "nothing each": header(described("<U0", (10**11,))),
    "cut": saved(SOUND)[:-7],
    "more": saved(SOUND) + b"x",
    "cut in the header": saved(SOUND)[:60],
    "cut in the magic": saved(SOUND)[:7],
    "header of 2 GB": header("{}", version=2, claimed=2**31),
    "header longer than the file": header("{}", claimed=9000),
    "version 3": header("{}", version=3),
    "version 9": header("{}", version=9),
    "parentheses": header("(" * 9000),
    "braces": header("{" * 9000),
    "minus signs": header("-" * 9000 + "1"),
    "digits": header("{'descr':'<f8','fortran_order':False,'shape':(" + "9" * 6000 + ",)}"),
    "call": header("__import__('os').system('touch hacked')"),
    "no type": header(described("zz", (1,))),
    "complex": saved(SOUND * 1j),
    "texts": saved(np.array(["a", "b"])),
    "dates": saved(np.array(["2020-01-01"], "datetime64[D]")),
    "no axis": saved(np.float64(3)),
    "no steps": saved(SOUND[:0]),
    "one step": saved(SOUND[:1]),
    "no numbers": saved(SOUND[:, :0]),
    "three axes": saved(SOUND[:, :, None]),
    "all missing": saved(np.full_like(SOUND, np.nan)),
    "infinite": saved(np.full_like(SOUND, np.inf)),
    "constant": saved(np.ones_like(SOUND)),
    "integers of 64 bits": saved(np.full((300, 2), 2**63 - 1)),
}

NPZ: dict[str, bytes] = {
    "text": b"not an archive",
    "npy": saved(SOUND),
    "cut": zipped({"observations.npy": saved(SOUND)})[:-40],
    "nothing": zipped({}),
    "another name": zipped({"data.npy": saved(SOUND)}),
    "names": zipped({f"a{i}.npy": b"" for i in range(5000)}),
    "not an array": zipped({"observations.npy": b"text"}),
    "claims a trillion": zipped({"observations.npy": header(described("<f8", (10**12,)))}),
    "objects": zipped({"observations.npy": saved(np.array([{}], dtype=object))}),
    "lengths of texts": zipped({"observations.npy": saved(SOUND), "lengths.npy": saved(np.array(["a"]))}),
    "lengths too long": zipped({"observations.npy": saved(SOUND), "lengths.npy": saved(np.array([2**62] * 4))}),
    "lengths negative": zipped({"observations.npy": saved(SOUND), "lengths.npy": saved(np.array([-1, 301]))}),
    "lengths of no axis": zipped({"observations.npy": saved(SOUND), "lengths.npy": saved(np.int64(300))}),
    "outcomes too few": zipped({"observations.npy": saved(SOUND), "outcomes.npy": saved(SOUND[:5])}),
    "outcomes infinite": zipped({"observations.npy": saved(SOUND), "outcomes.npy": saved(np.full(300, np.inf))}),
    "bzip2": zipped({"observations.npy": saved(SOUND)}, zipfile.ZIP_BZIP2),
    "lzma": zipped({"observations.npy": saved(SOUND)}, zipfile.ZIP_LZMA),
}


def bomb() -> bytes:
    """An archive of 400 kB that holds an array of 400 MB."""
    return zipped({"observations.npy": header(described("|i1", (400_000_000,))) + bytes(400_000_000)})


GZIP: dict[str, bytes] = {
    "plain": b"plain text",
    "cut": gzip.compress(bytes(range(256)) * 100)[:-9],
    "wrong checksum": gzip.compress(b"abc" * 1000)[:-6] + b"\0" * 6,
    "bomb": gzip.compress(bytes(10**7)) * 200,
    "another content": gzip.compress(b"another content"),
    "garbage behind": gzip.compress(b"abc") + b"garbage",
}


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The same with a bit flipped, a piece cut out, doubled or overwritten."""
    at = rng.randrange(len(data))
    piece = rng.randrange(1, 50)
    match rng.randrange(5):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + data[at + piece :]
        case 2:
            return data[:at] + data[at : at + piece] + data[at:]
        case 3:
            return data[:at] + rng.randbytes(piece) + data[at + piece :]
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


WORDS = (
    "", " ", "x" * 300, "x" * 3000, "x" * 100_000, "a\0b", "a\nb", "\x1b[31mred", "a\u202eb", "\udce9", "é" * 200,
    "🦊", "../../etc/passwd", "/etc/passwd", ".", "..", "-", "--", "=", "a=b", "%s%n", "{0}", "$(touch hacked)", "';--",
    "CON", "None", "nan", "a b", "a,b", "٣",
)  # fmt: skip
"""No name of anything."""

NO_INTEGERS = (
    "", " ", " 5", "5 ", "+5", "1_000", "٣", "１２", "५", "0x10", "0b1", "0o7", "1e3", "5.0", "007", "-0", "nan", "inf",
    "-inf", "None5", "five", "5,6", "5;", "5\0", "9" * 20, "9" * 400, "9" * 5000, "-" + "9" * 400, "1" + "0" * 400,
    "4294967296", "9223372036854775808", "18446744073709551616", "²", "½", "true", "[5]", "(5)", "5L", "--5", "−5",
)  # fmt: skip

NO_REALS = (
    "", " ", " 0.5", "+0.5", "1_0.5", "٣.٥", "０.５", "0x1p3", "nan", "NaN", "inf", "-inf", "Infinity", "1e999",
    "-1e999", "1e-999", "-0", "-0.0", "1e", "e5", ".", "1.2.3", "0,5", "1/2", "50%", "five", "1d5", "9" * 400, "0.5\0",
    "0.5f", "½", "−0.5", "1e٣", "true", "[0.5]", "--0.5",
)  # fmt: skip
