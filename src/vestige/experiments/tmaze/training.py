"""In which order memory and policy learn, as options; nothing here imports JAX."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from vestige.experiments.checks import at_least
from vestige.experiments.optimisers import Adam

if TYPE_CHECKING:
    from vestige.rules import AbstractRule, MemUP, Proximal


@dataclasses.dataclass(frozen=True)
class AbstractTraining(abc.ABC):
    """The rule of the whole agent, and an optimiser for each of its parts."""

    @abc.abstractmethod
    def build(self, proximal: "Proximal", memup: "MemUP") -> "AbstractRule":
        """The rule, made of the two."""

    @abc.abstractmethod
    def optimiser(self, memory: Adam, policy: Adam, *, steps: int) -> Any:
        """The optax transformation for a run of `steps` updates."""


@dataclasses.dataclass(frozen=True)
class Pretrained(AbstractTraining):
    """The memory first, on episodes of a random policy; then the policy, on the memory as it is then."""

    updates: int = 2000
    """Of the memory; the policy has the rest."""
    rule: Literal["memup", "truncated"] = "memup"
    """truncated: no rollout is asked about what lies beyond it (control)."""

    def __post_init__(self):
        at_least(self, 0, "updates")

    def build(self, proximal: "Proximal", memup: "MemUP") -> "AbstractRule":
        from vestige.rules import Alternating, Partial, Truncated

        first = {"memup": memup, "truncated": Truncated(memup.rollout)}[self.rule]
        return Alternating(Partial("memory", first), proximal, self.updates)

    def optimiser(self, memory: Adam, policy: Adam, *, steps: int) -> Any:
        import optax

        def early(step: Any, **_: Any) -> Any:
            return step < self.updates

        def late(step: Any, **_: Any) -> Any:
            return step >= self.updates

        # Each part rests exactly while the other learns: no momentum goes on, and none is lost.
        first = optax.conditionally_mask(memory.build(self.updates), early)
        second = optax.conditionally_mask(policy.build(steps - self.updates), late)
        return _each(first, second)


@dataclasses.dataclass(frozen=True)
class Joint(AbstractTraining):
    """Both at once, from the same episodes; the policy acts on a slow copy of the memory."""

    decay: float = 0.9
    """How much of the copy is left at each new collection of episodes."""

    def __post_init__(self):
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {self.decay}")

    def build(self, proximal: "Proximal", memup: "MemUP") -> "AbstractRule":
        from vestige import rules

        return rules.Combined(proximal, memup, decay=self.decay)

    def optimiser(self, memory: Adam, policy: Adam, *, steps: int) -> Any:
        return _each(memory.build(steps), policy.build(steps))


Training = Pretrained | Joint

TRAININGS: Mapping[str, Training] = {
    "pretrained": Pretrained(),
    "joint": Joint(),
    "truncated": Pretrained(rule="truncated"),
}
"""What `--training NAME` stands for."""


def _each(memory: Any, policy: Any) -> Any:
    import equinox as eqx
    import optax

    def labels(agent: Any) -> Any:
        return eqx.tree_at(lambda a: (a.memory, a.policy), agent, ("memory", "policy"))

    return optax.partition({"memory": memory, "policy": policy}, labels)
