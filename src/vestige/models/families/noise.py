"""Which family a net can do the most with, for values of a kind."""

from collections.abc import Callable
from typing import Any, Literal

from vestige.models.families.contract import AbstractFamily
from vestige.models.families.counts import NegativeBinomial, Poisson
from vestige.models.families.in_part import InPart
from vestige.models.families.reals import Gaussian, StudentT, UnitGaussian

Noise = Literal["learned", "heavy-tailed", "fixed"]


def with_noise(family: AbstractFamily, noise: Noise) -> AbstractFamily:
    """The family of the same values with the noise that a net is to learn.

    | values | `learned` | `heavy-tailed` | `fixed` |
    |---|---|---|---|
    | reals | `Gaussian`, a scale for every value | `StudentT` | as given |
    | counts | `Poisson` | `NegativeBinomial` | as given |
    | others | as given | refused | as given |

    **Arguments:**

    - `family`: of the values.
    - `noise`: a column of the table.

    **Raises:** `ValueError` where the values have no law with heavier tails.
    """
    if isinstance(family, InPart):
        return InPart(with_noise(family.of, noise))
    if noise == "fixed":
        return family
    if noise == "learned":
        return Gaussian(family.size) if isinstance(family, UnitGaussian) else family
    heavier: dict[type[AbstractFamily], Callable[[Any], AbstractFamily]] = {
        UnitGaussian: lambda f: StudentT(f.size),
        Gaussian: lambda f: StudentT(f.size, f.floor),
        Poisson: lambda f: NegativeBinomial(f.size, f.scale),
    }
    if type(family) not in heavier:
        raise ValueError(
            f"noise: only reals and counts have heavier tails, got {type(family).__name__}; take noise learned"
        )
    return heavier[type(family)](family)
