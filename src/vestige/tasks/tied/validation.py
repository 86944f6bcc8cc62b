"""How well a part of the training rows is predicted while a pair learns the others."""

from typing import Any

import jax
import jax.numpy as jnp

from vestige.models.tied import OneHot, PlainForward, TiedPair, importance_log_likelihood
from vestige.numerics import batched_map
from vestige.tasks.contract import AbstractTask
from vestige.tasks.tied.measures import AT_ONCE
from vestige.tasks.tied.rows import LabelledTable
from vestige.typing import Batch, Key, Metrics


class Validation(AbstractTask):
    """Training on the rows of a table, with one metric: `label_nll` where there are classes, `nll` otherwise.

    It compiles faster than all the metrics of the table.
    """

    of: LabelledTable

    def batch(self, *, size: int, key: Key) -> Batch:
        return self.of.batch(size=size, key=key)

    def evaluate(self, model: TiedPair, *, size: int, key: Key) -> Metrics:
        net = model.resolve()
        if isinstance(net.units[-1], OneHot):
            logits = jax.vmap(lambda x: PlainForward().log_top(net, x, key=key))(self.of.test)
            log = jax.nn.log_softmax(logits, axis=1)
            return {"label_nll": -jnp.mean(jnp.take_along_axis(log, self.of.test_labels[:, None], axis=1))}
        keys = jax.random.split(key, len(self.of.test))
        once = lambda row: importance_log_likelihood(net, row[0], samples=self.of.samples, key=row[1]).log_mean
        return {"nll": -jnp.mean(batched_map(once, (self.of.test, keys), at_most=AT_ONCE))}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        return {}
