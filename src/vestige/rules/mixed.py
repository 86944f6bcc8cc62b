"""Another rule's update in mixed precision."""

from typing import Any

from jaxtyping import Array, Bool

from vestige.numerics.mixed import with_bfloat16_products
from vestige.rules.contract import AbstractRule, Step
from vestige.typing import Batch, Key


class Bfloat16Products(AbstractRule):
    """`rule`, the operands of whose products of matrices are rounded to bfloat16; all else stays in float32.

    Products are summed in float32. Weights, states, losses and the optimiser keep their precision, and so do products
    that must be exact: allocation, links and similarities of memories are written with `precision="highest"`.
    Evaluations are not the rule's, and remain in float32. See
    `vestige.numerics.mixed.with_bfloat16_products` for what is rounded and what it costs.

    **Arguments:**

    - `rule`: any.
    """

    rule: AbstractRule

    def init(self, model: Any, batch: Batch, *, key: Key) -> Any:
        return self.rule.init(model, batch, key=key)

    def step(self, model: Any, carry: Any, batch: Batch, *, key: Key) -> Step:
        return with_bfloat16_products(self.rule.step)(model, carry, batch, key=key)

    def needs_batch(self, carry: Any) -> Bool[Array, ""] | bool:
        return self.rule.needs_batch(carry)
