"""What the estimators of this room share: checks of arrays and of options, and how they are pickled."""

import abc
import contextlib
import numbers
from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import validate_data

from vestige.checks import SEEDS
from vestige.errors import UsageError, shown

MODEL = "model_"
"""The attribute of the trained model, which is pickled as its arrays."""


class RefusedInput(UsageError, ValueError):
    """An array or an option that an estimator cannot take: a `ValueError` too, which scikit-learn expects."""


@contextlib.contextmanager
def refusals_of(owner: object) -> Iterator[None]:
    """A block in which a refusal of a lower room is one of an estimator.

    **Arguments:**

    - `owner`: the estimator, which the message names.

    **Raises:** `RefusedInput` for a `UsageError` or a `ValueError` of the block.
    """
    try:
        yield
    except RefusedInput:
        raise
    except (UsageError, ValueError) as error:
        raise RefusedInput(f"{type(owner).__name__}: {error}") from error


class AbstractArrayEstimator(BaseEstimator, abc.ABC):
    """An estimator of scikit-learn whose trained model is an Equinox module in the attribute `model_`.

    Options are checked as `fit` begins, as scikit-learn has it. Pickled are options, what was fitted, and the arrays of
    the model, no code: `_template` makes the model from the rest, and the arrays take their places.
    """

    @abc.abstractmethod
    def _template(self) -> Any:
        """A model with the structure of the trained one.

        **Returns:** the model, made of options and fitted attributes other than `model_`.
        """

    def __getstate__(self) -> dict[str, Any]:
        from vestige.training.leaves import named_leaves

        state: dict[str, Any] = {**cast(dict[str, Any], super().__getstate__())}
        if MODEL in state:
            state[MODEL] = {name: np.asarray(leaf) for name, leaf in named_leaves(state[MODEL]).items()}
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        from vestige.training.leaves import with_leaves

        super().__setstate__(dict(state))
        if MODEL in state:
            setattr(self, MODEL, with_leaves(self._template(), state[MODEL]))

    def __sklearn_tags__(self) -> Tags:
        """Rows may hold NaN where `_gaps` says so."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._gaps
        return tags

    @property
    def _gaps(self) -> bool:
        """Whether values may be missing."""
        return False

    def _checked(self, X: Any, *, fitting: bool, least: int = 1) -> np.ndarray:
        """The rows of an array or a frame as numbers.

        Its columns, by number and, in a frame, by name, are remembered in fitting and compared afterwards.

        **Arguments:**

        - `X`: (rows, columns) of numbers: an array, a frame of pandas or polars, lists.
        - `fitting`: whether `fit` is under way.
        - `least`: how few rows suffice.

        **Returns:** (rows, columns) float64; NaN where missing, if that may be.

        **Raises:** `ValueError` and `TypeError` as scikit-learn does; of a frame, with column and row.
        """
        finite = "allow-nan" if self._gaps else True
        try:
            found = validate_data(
                self, X, reset=fitting, dtype=np.float64, ensure_all_finite=finite, ensure_min_samples=least
            )
            return np.asarray(found)
        except ValueError as error:
            if (found := _no_number(X)) is None:
                raise
            raise RefusedInput(f"{type(self).__name__}: {found}") from error

    def _whole(self, name: str, least: int, *, none: bool = False) -> int | None:
        """An option that is a whole number.

        **Arguments:**

        - `name`: of the option.
        - `least`: the lowest that may be.
        - `none`: whether it may be None.

        **Raises:** `RefusedInput` naming it.
        """
        value = getattr(self, name)
        if value is None and none:
            return None
        if isinstance(value, numbers.Integral) and not isinstance(value, bool) and int(value) >= least:
            return int(value)
        other = ", or None" if none else ""
        raise self._refused(name, f"a whole number, at least {least}{other}")

    def _share(self, name: str) -> float:
        """An option in (0, 1). **Arguments:** `name`: of it. **Raises:** `RefusedInput` naming it."""
        value = getattr(self, name)
        if isinstance(value, numbers.Real) and not isinstance(value, bool) and 0 < float(value) < 1:
            return float(value)
        raise self._refused(name, "in (0, 1)")

    def _one_of(self, name: str, known: tuple[str, ...]) -> str:
        """An option that is one of some words.

        **Arguments:**

        - `name`: of the option.
        - `known`: the words.

        **Raises:** `RefusedInput` naming it.
        """
        value = getattr(self, name)
        if value in known:
            return value
        raise self._refused(name, f"one of {', '.join(known)}")

    def _refused(self, name: str, wanted: str) -> RefusedInput:
        """The error for an option.

        **Arguments:**

        - `name`: of the option.
        - `wanted`: what it must be, to follow "must be".
        """
        return RefusedInput(f"{type(self).__name__}: {name} must be {wanted}, got {shown(getattr(self, name))}")

    def _seed(self, name: str = "random_state") -> int:
        """The seed that an option of scikit-learn's kind stands for: itself, or drawn from a generator or from NumPy's
        own (None).

        **Arguments:** `name`: of the option.
        """
        value = getattr(self, name)
        if isinstance(value, numbers.Integral) and not isinstance(value, bool):
            if not 0 <= int(value) < SEEDS:
                raise self._refused(name, f"in 0..{SEEDS - 1:,}")
            return int(value)
        with refusals_of(self):
            return int(check_random_state(value).randint(2**31 - 1))


def _no_number(frame: Any) -> str | None:
    """Of a frame, the first value that is no number: column and row; None where there is none, or it is no frame."""
    names = getattr(frame, "columns", None)
    if names is None:
        return None
    for name in names:
        for row, value in enumerate(np.asarray(frame[name])):
            try:
                float(value)
            except (TypeError, ValueError):
                return f"column '{shown(name)}', row {row + 1}: numbers are expected, got {shown(value)}"
            if np.isinf(float(value)):
                return f"column '{shown(name)}', row {row + 1}: finite numbers are expected, got {shown(value)}"
    return None
