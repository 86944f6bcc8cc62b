"""Cells as float64, whatever they are stored as."""

import re
from typing import NamedTuple

import numpy as np

from vestige.data.tables.contract import Cells

EXACT = 2**53
"""Whole numbers up to here are exact in float64."""
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}([. \u00a0\u202f][0-9]{3})+")
_BETWEEN = re.compile(r"[. \u00a0\u202f]")
_WORDS = {"true": 1.0, "false": 0.0}


class Numbers(NamedTuple):
    """Cells as numbers."""

    values: np.ndarray
    """(rows,) float64; NaN where there is none."""
    missing: np.ndarray
    """(rows,), booleans."""
    faults: np.ndarray
    """(rows,), booleans: neither missing nor a finite number that float64 holds exactly."""


def numbers(cells: Cells, decimal: str = ".") -> Numbers:
    """Cells as float64.

    **Arguments:**

    - `cells`: of one column, texts or numbers. Booleans are 0 and 1; dates are seconds since 1970.
    - `decimal`: the decimal mark of texts.

    **Returns:** the numbers; infinite values, words, and whole numbers beyond ±2^53 are faults.
    """
    values, missing = cells.values, cells.missing
    if values.dtype.kind == "O":
        return _of_texts(values, missing, decimal)
    if values.dtype.kind == "M":
        found = values.astype("datetime64[us]").astype(np.int64) / 1e6
        return Numbers(np.where(missing, np.nan, found), missing, np.zeros(len(values), bool))
    found = np.where(missing, np.nan, values.astype(np.float64))
    faults = np.isinf(found)
    if values.dtype.kind in "iu":
        faults |= ~missing & (np.abs(found) >= EXACT)
    missing = missing | np.isnan(found)
    return Numbers(np.where(faults, np.nan, found), missing, faults)


def number(text: str, decimal: str = ".") -> float | None:
    """The finite number that a text is.

    **Arguments:**

    - `text`: digits, a sign, a decimal mark and an exponent, or `true` or `false`.
    - `decimal`: the decimal mark. With a comma, points and spaces may stand between groups of three digits.

    **Returns:** the number; None where it is none, or a whole number beyond ±2^53.
    """
    if decimal != ".":
        whole, mark, rest = text.partition(decimal)
        if _GROUPED.fullmatch(whole):
            whole = _BETWEEN.sub("", whole)
        text = whole.replace(".", "x") + ("." if mark else "") + rest.replace(".", "x")
    if _NUMBER.fullmatch(text):
        value = float(text)
        whole = "." not in text and "e" not in text and "E" not in text
        return value if np.isfinite(value) and not (whole and abs(value) >= EXACT) else None
    return _WORDS.get(text.lower())


def _of_texts(values: np.ndarray, missing: np.ndarray, decimal: str) -> Numbers:
    filled = values.copy()
    filled[missing] = "nan"
    joined = "".join(filled.tolist())
    if decimal == "." and joined.isascii() and "_" not in joined:
        try:
            found = filled.astype(np.float64)
        except ValueError:
            pass
        else:
            strange = ~missing & ~np.isfinite(found)
            if not strange.any() and not (np.abs(found) >= EXACT).any():
                return Numbers(found, missing, strange)
    each = [None if gone else number(text, decimal) for text, gone in zip(values, missing, strict=True)]
    found = np.array([np.nan if value is None else value for value in each], np.float64)
    return Numbers(found, missing, ~missing & np.isnan(found))
