"""Numbers as a person reads them."""

import pytest

from vestige.report import format_number, format_seconds
from vestige.report.numbers import format_bytes, format_short_seconds, format_steps


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (0.0, "0.00"), (0.00001, "< 0.001"), (0.0071, "0.007"), (0.056, "0.06"), (9.0, "9.00"),
        (76.23, "76.2"), (14746.0, "14,746.0"), (1e6, "1,000,000"), (-1.5, "−1.50"), (-1e-9, "> −0.001"),
        (float("nan"), "NaN"), (float("inf"), "∞"), (-float("inf"), "−∞"),
    ],
)  # fmt: skip
def test_numbers(value: float | None, text: str) -> None:
    assert format_number(value) == text


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
