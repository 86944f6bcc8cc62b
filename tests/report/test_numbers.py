"""Numbers as a person reads them."""

import pytest

from vestige.report import format_number, format_seconds
from vestige.report.numbers import format_alike, format_bytes, format_short_seconds, format_steps


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (0.0, "0"), (0.00001, "1.00e−5"), (0.007123, "0.00712"), (0.056, "0.056"), (9.0, "9"),
        (76.23, "76.2"), (14746.0, "14,746"), (1e6, "1,000,000"),
        (1e30, "1.00e30"), (-1.5, "−1.5"), (-1e-9, "−1.00e−9"), (123.4, "123"),
        (9.996, "10.0"), (5.9045, "5.90"), (0.9993, "0.9993"), (0.999999, "0.999999"), (-0.25, "−0.25"),
        (float("nan"), "NaN"), (float("inf"), "∞"), (-float("inf"), "−∞"),
    ],
)  # fmt: skip
def test_numbers(value: float | None, text: str) -> None:
    assert format_number(value) == text


def test_numbers_that_are_compared_differ_where_the_values_do():
    assert format_alike([0.73412, 0.73447, 0.5]) == ["0.7341", "0.7345", "0.5"]
    assert format_alike([20.8715, 20.8716, 5.0]) == ["20.9", "20.9", "5"]  # a difference of no weight beside the range
    assert format_alike([None, float("nan"), 3.0]) == ["–", "NaN", "3"]
    assert format_alike([]) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (4.21, "4.2 s"), (59.96, "1 min 0 s"), (734.2, "12 min 14 s"), (11_100, "3 h 5 min")],
)
def test_seconds(value: float | None, text: str) -> None:
    assert format_seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(820, "820 B"), (3 * 2**10, "3 KiB"), (6.1 * 2**20, "6.1 MiB"), (1.5 * 2**30, "1.5 GiB")],
)
def test_amounts_of_memory(value: float, text: str) -> None:
    assert format_bytes(value) == text


def test_what_is_no_number_is_called_so_by_every_format():
    for form in (format_seconds, format_short_seconds, format_steps, format_bytes):
        assert [form(x) for x in (float("nan"), float("inf"))] == ["NaN", "∞"]
