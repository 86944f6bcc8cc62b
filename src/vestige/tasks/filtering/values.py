"""What kind of numbers an observation holds, and what is refused."""

import abc

import equinox as eqx
import numpy as np


class AbstractValues(eqx.Module):
    """The kind of the `width` numbers that are seen at a step, from which follows the family that may model them."""

    width: eqx.AbstractVar[int]

    @abc.abstractmethod
    def fault(self, seen: np.ndarray) -> str | None:
        """What is wrong with values (n, width) none of which is NaN, as "expected …, got …"; None if nothing is."""

    def admit(self, observations: np.ndarray, owner: str) -> None:
        """On the host, before anything is compiled.

        **Raises** `ValueError` where `observations` are not floating-point (…, width), where a step is NaN in some of
        its values and not in all (a missing step is NaN in all), or where a value is not of this kind.
        """
        found = np.asarray(observations)
        if found.ndim < 1 or found.shape[-1] != self.width or found.dtype.kind != "f":
            raise ValueError(
                f"{owner}: observations must be floating-point (..., {self.width}), got {found.dtype} {found.shape}"
            )
        steps = found.reshape(-1, self.width)
        gaps = np.isnan(steps)
        missing = np.all(gaps, axis=1, keepdims=True)
        if np.any(in_part := gaps & ~missing):
            step, value = np.argwhere(in_part)[0]
            raise ValueError(
                f"{owner}: observations: a missing step is NaN in all its {self.width} values, got NaN in value "
                f"{value} of step {step} alone; fill it in, or mark the whole step as missing"
            )
        if (fault := self.fault(steps[~missing[:, 0]])) is not None:
            raise ValueError(f"{owner}: observations: {fault}")


class Counts(AbstractValues):
    """Numbers of events, 0, 1, 2, …: a Poisson family."""

    width: int = eqx.field(static=True)

    def fault(self, seen: np.ndarray) -> str | None:
        wrong = ~((seen >= 0) & (seen == np.floor(seen)) & np.isfinite(seen))
        return _first(seen, wrong, "counts are 0, 1, 2, …", "bin the events first, and do not scale the counts")


class Bits(AbstractValues):
    """0 or 1; with `graded` anything in between, the probability of 1: a Bernoulli family."""

    width: int = eqx.field(static=True)
    graded: bool = eqx.field(static=True, default=False)

    def fault(self, seen: np.ndarray) -> str | None:
        if self.graded:
            return _first(seen, ~((seen >= 0) & (seen <= 1)), "values lie in 0..1", "rescale them")
        return _first(seen, ~((seen == 0) | (seen == 1)), "bits are 0 or 1", "threshold them, or say graded=True")


class Reals(AbstractValues):
    """Any finite numbers: a Gaussian family of unit variance, if they are standardised."""

    width: int = eqx.field(static=True)

    def fault(self, seen: np.ndarray) -> str | None:
        return _first(seen, ~np.isfinite(seen), "values are finite", "leave the step out as missing (all NaN)")


class Categories(AbstractValues):
    """One of `width + 1` classes: one-hot without class 0, the reference, which is all zeros; a categorical family."""

    width: int = eqx.field(static=True)

    def fault(self, seen: np.ndarray) -> str | None:
        wrong = ~((seen == 0) | (seen == 1)) | (np.sum(seen != 0, axis=1) > 1)[:, None]
        return _first(seen, wrong, f"a step holds at most one 1 among {self.width} zeros", "code the classes one-hot")


def _first(seen: np.ndarray, wrong: np.ndarray, expected: str, way_out: str) -> str | None:
    if not wrong.any():
        return None
    step, value = np.argwhere(wrong)[0]
    return f"expected that {expected}, got {seen[step, value]:g} in value {value} of step {step}; {way_out}"
