"""How numbers, paths and words are typed."""

import dataclasses
import math
from pathlib import Path

import pytest

from vestige.checks import at_most, finite, seed
from vestige.cli.arguments import check_arguments
from vestige.cli.parse import simple
from vestige.cli.values import integer, path, real
from vestige.errors import UsageError

WRONG = [
    "",
    " ",
    "+5",
    " 5",
    "5 ",
    "1_000",
    "٣",
    "１２",
    "0x10",
    "0b1",
    "--5",
    "5-",
    "five",
    "nan",
    "inf",
    "Infinity",
    "1,5",
]


@pytest.mark.parametrize("text", [*WRONG, "1e3", "5.0", "007", "-0", "-01"])
def test_integers_are_written_in_ascii_digits(text):
    with pytest.raises(ValueError, match="expected a whole number in the digits 0 to 9"):
        integer(text)


@pytest.mark.parametrize("text", [*WRONG, "1_0.5", "٣.٥", "1e", ".", "e5", "0x1p3", "-inf", "1.5.2", "1e٣"])
def test_real_numbers_are_written_in_ascii_digits(text):
    with pytest.raises(ValueError, match="expected a finite number in the digits 0 to 9"):
        real(text)


@pytest.mark.parametrize("text", ["1e999", "-1e400", "1" + "0" * 400])
def test_numbers_beyond_all_numbers_are_refused(text):
    with pytest.raises(ValueError, match="at most about 1.8e308"):
        real(text)


@pytest.mark.parametrize("text", ["1e-999", "-0", "-0.0", "-0e5", "0.0001e-400"])
def test_numbers_that_are_rounded_to_zero_are_refused(text):
    with pytest.raises(ValueError, match="not rounded to it"):
        real(text)


def test_numbers_are_read():
    assert [integer(text) for text in ("0", "12", "-3")] == [0, 12, -3]
    assert [real(text) for text in ("0", "5", "5.", ".5", "-1e-3", "1E+3", "0e5", "00.5")] == [
        0, 5, 5, 0.5, -1e-3, 1000, 0, 0.5,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="one of 400 digits"):
        integer("1" + "0" * 399)


def test_paths_are_such_as_a_disk_can_hold():
    assert path("a/b.npy") == Path("a/b.npy")
    assert path("x" * 255) == Path("x" * 255)
    for text, clause in (
        ("", "an empty one"),
        ("  ", "an empty one"),
        ("a/" + "x" * 256, "256 bytes"),
        ("é" * 128, "256"),
    ):
        with pytest.raises(ValueError, match=clause):
            path(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "x" * 5000], "argument 2, 'x.*', has 5,000 characters, and at most 4,096"),
        (["a\0b"], r"'a\\x00b', holds characters that cannot be printed"),
        (["\x1b[2J"], r"'\\x1b\[2J'"),
        (["\udce9"], r"'\\udce9'"),
        (["a\u202eb"], r"'a\\u202eb'"),
        (["x"] * 1001, "1,001 arguments"),
    ],
)
def test_what_cannot_be_shown_is_no_argument(arguments, message):
    with pytest.raises(UsageError, match=message):
        check_arguments(arguments)


@dataclasses.dataclass(frozen=True)
class Options:
    """Of a command."""

    count: int = 3
    share: float = 0.5
    where: Path | None = None
    most: int | None = None

    def __post_init__(self):
        finite(self)
        if self.count < 0:
            raise ValueError(f"count must not be negative, got {self.count}")


class TestWording:
    """tyro's frame of lines becomes one sentence."""

    def of(self, *arguments):
        return simple("probe", "A probe.", Options, list(arguments))

    def test_sound_options_are_read(self):
        assert self.of("--count", "4", "--share", "1", "--where", "a/b", "--most", "5") == Options(
            4, 1.0, Path("a/b"), 5
        )
        assert self.of("--where", "None", "--most", "None") == Options()
        assert isinstance(self.of("--share", "1").share, float)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--count", "1_000"], "--count: expected a whole number .*, got '1_000'; see vestige probe --help"),
            (["--share", "nan"], "--share: expected a finite number"),
            (["--most", "x"], "--most: expected a whole number"),
            (["--where", "x" * 300], "--where: 'x+…' is a name of 300 bytes"),
            (["--count", "-1"], "count must not be negative"),
            (["--count", str(2**31)], "count must be at most 2,147,483,647"),
            (["--count"], "[Mm]issing"),
            (["--cuont", "1"], "unknown option '--cuont'. Did you mean '--count'"),
            (["junk"], "[Uu]nrecognized options: junk"),
        ],
    )
    def test_wrong_ones_are_refused_in_a_sentence(self, arguments, message, capsys):
        with pytest.raises(UsageError, match=message) as refused:
            self.of(*arguments)
        assert not set("│╭╰─") & set(str(refused.value)) and "\n" not in str(refused.value)
        assert capsys.readouterr().err == ""


@dataclasses.dataclass
class Seeds:
    seed: int
    size: int = 1


def test_seeds_are_those_of_jax():
    seed(Seeds(0), "seed")
    seed(Seeds(2**32 - 1), "seed")
    for value, count in ((-1, 1), (2**32, 1), (2**32 - 1, 2), (10**400, 1)):
        with pytest.raises(ValueError, match="seed must be in 0..4,294,967"):
            seed(Seeds(value), "seed", count=count)


def test_whole_numbers_are_of_32_bits():
    finite(Seeds(2**32 - 1, 2**31 - 1))
    for spec in (Seeds(2**32), Seeds(0, 2**31), Seeds(0, -(2**31) - 1), Seeds(0, 10**5000)):
        with pytest.raises(ValueError, match="must be at most"):
            finite(spec)
    with pytest.raises(ValueError, match="size must be at most 5, got 6"):
        at_most(Seeds(0, 6), 5, "size")
    with pytest.raises(ValueError, match="size must be finite"):
        finite(Seeds(0, math.nan))  # pyright: ignore[reportArgumentType]
