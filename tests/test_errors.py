"""Messages are bounded and can be printed, whatever is quoted in them."""

import pickle

import pytest

from vestige.errors import LONGEST_MESSAGE, RunError, UsageError, bounded, escaped, listed, nearest, shown


@pytest.mark.parametrize("kind", [UsageError, RunError])
def test_a_message_is_bounded_and_printable(kind):
    error = kind(f"{'x' * 3_000_000}: it is wrong\x1b[2J\nsecond line\u202e; use another")
    assert len(str(error)) <= LONGEST_MESSAGE
    assert str(error).endswith("it is wrong\\x1b[2J\nsecond line\\u202e; use another")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_short_message_is_as_it_was():
    text = "--steps: expected 0 to 5 — got 'é' …\n  a second line"
    assert str(UsageError(text)) == bounded(text) == text


def test_beginning_and_end_of_a_long_word_and_of_a_long_message_stay():
    assert bounded(f"a{'x' * 998}b") == f"a{'x' * 129}…(1,000 characters)…{'x' * 129}b"
    many = bounded("begin " + "word " * 10_000 + "end")
    assert len(many) < LONGEST_MESSAGE and many.startswith("begin word") and many.endswith("word end")


def test_values_are_shown_short():
    assert shown("abc") == "abc" and shown(1.5) == "1.5"
    assert shown("x" * 100, 10) == "x" * 9 + "…"
    assert shown("a\0b") == "a\\x00b"
    assert shown(10**6000) == "an integer of thousands of digits"
    assert escaped("a\nb\tc\udce9") == "a\nb\\tc\\udce9"


def test_many_names_are_counted():
    names = [f"name-{i}" for i in range(1000)]
    assert listed(["b", "a"]) == "b, a"
    assert len(listed(names)) < 900 and listed(names).endswith("… (1000 in all)")
    assert len(nearest("zzzzzzzz" * 1000, names)) < 1000
    assert nearest("name-1x", names) == "Did you mean 'name-1'?"
