"""The learning rules by name, and what may be set of each; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.checks import positive
from vestige.registries import Registry
from vestige.rules.agent_specs import AGENT_RULES
from vestige.rules.local_specs import LOCAL_RULES
from vestige.rules.longterm_specs import LONG_TERM_RULES
from vestige.rules.spec import RuleSpec
from vestige.rules.tied.specs import TWO_WAY_RULES

if TYPE_CHECKING:
    from vestige.rules.contract import AbstractRule


@dataclasses.dataclass(frozen=True)
class GradientSpec(RuleSpec):
    """Back-propagation through the objective of a whole example, through time where it has any."""

    clip: float | None = 10.0
    """Global norm at which the gradient is clipped; None leaves it alone."""

    part: ClassVar[str] = "vestige.rules.gradient:Gradient"
    needs: ClassVar[str] = "objective"

    def __post_init__(self):
        super().__post_init__()
        positive(self, "clip")

    def build(self, model: Any, task: Any) -> "AbstractRule":
        return self.make(model.objective(task))


RULES: Registry[RuleSpec] = Registry(
    "rule",
    RuleSpec,
    {"gradient": GradientSpec(), **LONG_TERM_RULES, **AGENT_RULES, **LOCAL_RULES, **TWO_WAY_RULES},
)
"""What `--rule NAME` stands for."""
