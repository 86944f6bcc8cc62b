"""Images of which some come again at the end of a sequence."""

import equinox as eqx

from vestige.models.temporal import Bernoulli
from vestige.tasks.frames import AbstractFrameTask
from vestige.tasks.images import ImagePool


class AbstractAppended(AbstractFrameTask[ImagePool]):
    """`l` images, and `k` frames that follow from them. There are no actions."""

    l: eqx.AbstractVar[int]
    k: eqx.AbstractVar[int]

    @property
    def frames(self) -> int:
        """Length of a sequence, l + k."""
        return self.l + self.k

    @property
    def condition_size(self) -> int:
        """There are no actions."""
        return 0

    @property
    def likelihood(self) -> Bernoulli:
        """Pixels are bits."""
        return Bernoulli()
