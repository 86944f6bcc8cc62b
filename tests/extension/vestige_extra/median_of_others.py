"""A baseline: the median cost of the other draws, which a few very large costs do not move."""

import dataclasses
from typing import ClassVar

import jax.numpy as jnp

import vestige
from vestige.estimators import AbstractBaseline
from vestige.estimators.specs import BaselineSpec


class MedianOfOthers(AbstractBaseline):
    """The median of all costs but the draw's own. It learns nothing."""

    def __call__(self, costs, context):
        draws = costs.shape[0]
        if draws < 2:
            raise ValueError(f"MedianOfOthers: at least 2 draws are needed, got {draws}; set draws to 2 or more")
        place = jnp.arange(draws)
        others = (place[:, None] + place[None, 1:]) % draws  # (draws, draws - 1): all but the row's own
        return jnp.median(costs[others], axis=1)

    def loss(self, costs, context):
        return jnp.zeros((), costs.dtype)


@dataclasses.dataclass(frozen=True)
class MedianOfOthersSpec(BaselineSpec):
    """The median cost of the other draws."""

    part: ClassVar[str] = "vestige_extra.median_of_others:MedianOfOthers"
    least_draws: ClassVar[int] = 2


vestige.register("baseline", "median-of-others", MedianOfOthersSpec)
