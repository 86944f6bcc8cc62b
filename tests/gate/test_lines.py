"""Texts of any size, line by line."""

import gzip

import pytest

from vestige import gate
from vestige.gate import Unreadable, beginning, text_lines


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("block", [1, 7, 2**20])
def test_lines_are_those_of_the_file(tmp_path, packed, block, monkeypatch):
    monkeypatch.setattr("vestige.gate.lines.BLOCK_BYTES", block)
    text = "a,b\r\n1,\u20ac\n\n\u2028x\x0cy\n" + "z" * 50
    path = tmp_path / "t.csv"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert list(text_lines(path)) == ["a,b\r\n", "1,\u20ac\n", "\n", "\u2028x\x0cy\n", "z" * 50]


def test_a_byte_order_mark_is_left_out(tmp_path):
    (tmp_path / "t").write_bytes(b"\xef\xbb\xbfa\nb")
    assert list(text_lines(tmp_path / "t")) == ["a\n", "b"]
    (tmp_path / "e").write_bytes(b"")
    assert list(text_lines(tmp_path / "e")) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a\nb\xff\n", "line 2: byte 2 (0xff) is not utf-8 text"),
        (b"a\nb\nc\0\n", "line 3 holds NUL"),
        (b"a\n" + b"x" * 100, "line 2 has more than 60 bytes"),
        (gzip.compress(b"a\nb\n" * 10, mtime=0)[:-9], "cut short after line"),
        (gzip.compress(b"a\nb\n" * 10, mtime=0)[:-8] + b"12345678", "not a sound gzip file"),
    ],
)
def test_what_is_wrong_names_the_line(tmp_path, content, said, monkeypatch):
    monkeypatch.setattr("vestige.gate.lines.BLOCK_BYTES", 16)
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(Unreadable) as caught:
        list(text_lines(path, longest=60))
    assert said in str(caught.value) and str(path) in str(caught.value)


def test_an_encoding_is_named(tmp_path):
    (tmp_path / "t").write_bytes("é\n".encode("cp1252"))
    assert list(text_lines(tmp_path / "t", encoding="cp1252")) == ["é\n"]
    with pytest.raises(Unreadable, match="no text encoding is called 'klingon'"):
        list(text_lines(tmp_path / "t", encoding="klingon"))


def test_the_beginning_of_a_file(tmp_path):
    (tmp_path / "t").write_bytes(b"12345")
    assert beginning(tmp_path / "t", 3) == b"123"
    with pytest.raises(Unreadable, match="a folder"):
        beginning(tmp_path, 3)
    assert gate.text_lines is text_lines
