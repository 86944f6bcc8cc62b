"""Texts, JSON and YAML that are damaged, hostile, or both."""

import codecs
import json

import pytest

from vestige.gate import Unreadable, parse_json, read_json, read_text, read_yaml


def test_texts_are_utf8_with_or_without_a_mark(tmp_path):
    for mark in (b"", codecs.BOM_UTF8):
        (tmp_path / "a").write_bytes(mark + "é—".encode())
        assert read_text(tmp_path / "a") == "é—"


@pytest.mark.parametrize(
    ("data", "clause"),
    [
        (b"caf\xe9", r"byte 3 \(0xe9\) is not UTF-8 text"),
        ("a".encode("utf-16"), "it is UTF-16 text"),
        (codecs.BOM_UTF16_BE + b"\0a", "it is UTF-16 text"),
        (codecs.BOM_UTF32_LE, "it is UTF-32 text"),
        (b"ab\0c", "character 2 is NUL"),
        (b"\xed\xa0\x80", "not UTF-8"),
    ],
)
@pytest.mark.parametrize("read", [read_text, read_json, read_yaml])
def test_other_encodings_are_named(read, data, clause, tmp_path):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(Unreadable, match=clause):
        read(tmp_path / "a")


def test_json_of_the_wanted_kind(tmp_path):
    (tmp_path / "a").write_text('{"a": [1, 2.5, null, -1e-3], "b": {"a": 1}}')
    assert read_json(tmp_path / "a") == {"a": [1, 2.5, None, -1e-3], "b": {"a": 1}}
    (tmp_path / "a").write_text("[1]")
    assert read_json(tmp_path / "a", kind=list) == [1]
    assert parse_json('{"step": 1}') == {"step": 1}


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("{", "Expecting property name"),
        ("{} {}", "Extra data"),
        ("3", "it must hold an object of names and values, got 3"),
        ("[]", "it must hold an object"),
        ('{"a": 1, "b": 2, "a": 3}', "the name 'a' stands twice in one object"),
        ('{"a": NaN}', "NaN is no number of JSON"),
        ('{"a": -Infinity}', "-Infinity is no number of JSON"),
        ('{"a": 1e999}', "1e999 is larger than any number"),
        ('{"a": ' + "9" * 6000 + "}", "an integer of 6,000 digits"),
        ('{"a": ' + "[" * 150 + "]" * 150 + "}", "nested more than 100 levels"),
        ('{"a": ' * 100_000, "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        (json.dumps("x" * 100_000), "it must hold an object"),
    ],
    ids=lambda text: text[:20],
)
def test_other_json_is_refused(text, clause, tmp_path):
    (tmp_path / "a").write_text(text)
    with pytest.raises(Unreadable, match=clause) as refused:
        read_json(tmp_path / "a")
    assert len(str(refused.value)) < 2000
    with pytest.raises(ValueError, match=clause):
        parse_json(text)


def test_limits_are_those_of_the_caller(tmp_path):
    (tmp_path / "a").write_text('{"a": 1}')
    with pytest.raises(Unreadable, match="it has 8 bytes, and at most 5 are read"):
        read_json(tmp_path / "a", limit=5)


def test_yaml_with_and_without_aliases(tmp_path):
    (tmp_path / "a").write_text("a: &x [1, 2]\nb: *x\nc: {d: 1.5, e: null}\n1: one\n")
    assert read_yaml(tmp_path / "a") == {"a": [1, 2], "b": [1, 2], "c": {"d": 1.5, "e": None}, "1": "one"}


def laughs(levels: int) -> str:
    lines = ["a0: &a0 [lol, lol]"]
    return "\n".join([*lines, *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, levels))])


def chain(levels: int) -> str:
    return "\n".join(["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, levels))])


def merges(levels: int) -> str:
    return "\n".join(["a0: &a0 {k: v}", *(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}" for i in range(1, levels))])


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("", "it is empty"),
        ("# only a comment\n", "it is empty"),
        ("a: [", "in line 1, column 5"),
        ("a: 1\n b: 2", "mapping values are not allowed here in line 2"),
        ("- 1", "it must hold names and values, got \\[1\\]"),
        ("just words", "it must hold names and values, got just words"),
        ("a: 1\na: 2", "the name 'a' stands twice in one mapping"),
        ("a: 1\n---\nb: 2", "another document"),
        ("a: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: !unknown 1", "could not determine a constructor"),
        ("? [1, 2]\n: 3", "unhashable key"),
        ("a: " + "9" * 6000, "4300"),
        ("a: 2020-99-99", "month must be in"),
        ("a: !!int x", "invalid literal"),
        ("a: " + "[" * 3000, "nested too deeply"),
        ("a: " + "[" * 150 + "]" * 150, "nested more than 100 levels"),
        ("a: &x [*x]", "an alias of what it lies in"),
        ("a: &x {b: *x}", "an alias of what it lies in"),
        (laughs(60), "more than 200,000 values once its aliases are written out"),
        (merges(60), "more than 200,000 values"),
        (chain(300), "nested more than 100 levels"),
        ("a: \x07", "unacceptable character"),
        ("a: *nobody", "undefined alias"),
        ("a: %b", "cannot start any token"),
        ("\tb: 1", "cannot start any token"),
        ("x" * 300_000, "it has 300,000 bytes"),
    ],
    ids=lambda text: text[:20],
)
def test_other_yaml_is_refused(text, clause, tmp_path):
    (tmp_path / "a").write_text(text)
    with pytest.raises(Unreadable, match=clause) as refused:
        read_yaml(tmp_path / "a")
    assert len(str(refused.value)) < 2000
