"""The rules for agents, by name, and what may be set of each; nothing here imports JAX."""

import abc
import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from vestige.checks import at_least, between, positive
from vestige.rules.longterm_specs import TruncatedSpec
from vestige.rules.memup_specs import LongSequences, MemUPSpec
from vestige.rules.spec import RuleSpec
from vestige.spec import Spec, load

if TYPE_CHECKING:
    from vestige.rules.acting import Environment
    from vestige.rules.contract import AbstractRule
    from vestige.rules.proximal import Proximal


@runtime_checkable
class HasEpisodes(Protocol):
    """What rules for agents must know of a task."""

    @property
    def maze(self) -> "Environment":
        """Where the agent acts."""
        ...

    @property
    def episodes(self) -> LongSequences:
        """Episodes of a random policy, as a task for the memory."""
        ...


@dataclasses.dataclass(frozen=True)
class ProximalSpec(Spec):
    """Proximal policy optimisation: play some episodes, learn from them a few times over, play again."""

    episodes: int = 32
    """Episodes played at a time."""
    epochs: int = 4
    """Passes over them."""
    minibatches: int = 4
    """Updates per pass."""
    ratio: float = 0.2
    """How far an action's probability may move before its gradient is cut off."""
    value: float = 0.5
    """Weight of the critic's error."""
    entropy: float = 0.01
    """Weight of the policy's entropy."""
    discount: float = 0.99
    """Gamma."""
    trace: float = 0.95
    """Lambda of the advantages; 1: whole returns."""
    clip: float | None = 0.5
    """Global norm at which the gradient is clipped; None leaves it alone."""

    part: ClassVar[str] = "vestige.rules.proximal:Proximal"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "episodes", "epochs", "minibatches")
        at_least(self, 0, "value", "entropy")
        between(self, 0, 1, "discount", "trace")
        positive(self, "ratio", "clip")

    def build(self, environment: "Environment") -> "Proximal":
        """The rule.

        **Arguments:**

        - `environment`: where episodes are played.

        **Returns:** proximal policy optimisation in that environment.

        **Raises:** `ValueError` where there are more minibatches than steps.
        """
        return self.make(environment)


class Turn(NamedTuple):
    """The updates in which a part of an agent learns."""

    first: int
    end: int
    """The update after the last."""


ONE_BY_ONE = MemUPSpec(frequency=1, scan_chunk=500)


@dataclasses.dataclass(frozen=True)
class AbstractAgentSpec(RuleSpec):
    """A rule for the memory of an agent, and one for its policy."""

    memory: RuleSpec = ONE_BY_ONE
    policy: ProximalSpec = ProximalSpec()

    needs: ClassVar[str] = "agent"
    shared: ClassVar[tuple[str, ...]] = ("memory", "policy")

    def __post_init__(self):
        super().__post_init__()
        if self.memory.needs != "long-term memory":
            raise ValueError(
                "memory must be a rule for long-term memories, such as memup or truncated; got "
                f"{type(self.memory).__name__}, which needs {self.memory.needs}"
            )

    @property
    def steps_per_update(self) -> int:
        return self.memory.steps_per_update

    def summary(self) -> dict[str, str]:
        return self.memory.summary()

    @abc.abstractmethod
    def turns(self, steps: int) -> dict[str, Turn]:
        """When the parts learn.

        **Arguments:**

        - `steps`: updates of the run.

        **Returns:** part (`memory`, `policy`) -> updates in which it learns; a turn may end after the run.
        """


@dataclasses.dataclass(frozen=True)
class PretrainedSpec(AbstractAgentSpec):
    """The memory first, on episodes of a random policy; then the policy, on the memory as it is then."""

    updates: int = 2000
    """Updates of the memory; the policy has the rest."""

    part: ClassVar[str] = "vestige.rules.alternating:Alternating"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 0, "updates")

    def turns(self, steps: int) -> dict[str, Turn]:
        return {"memory": Turn(0, self.updates), "policy": Turn(self.updates, max(self.updates, steps))}

    def build(self, model: Any, task: HasEpisodes) -> "AbstractRule":
        first = load("vestige.rules.partial:Partial")("memory", self.memory.build(model, task.episodes))
        return load(self.part)(first, self.policy.build(task.maze), self.updates)

    def updates_per_batch(self, task: HasEpisodes) -> int:
        return self.memory.updates_per_batch(task.episodes)


@dataclasses.dataclass(frozen=True)
class JointSpec(AbstractAgentSpec):
    """Both at once, from the same episodes; the policy acts on a slow copy of the memory."""

    decay: float = 0.9
    """How much of the copy is left at each new collection of episodes."""

    part: ClassVar[str] = "vestige.rules.combined:Combined"

    def __post_init__(self):
        super().__post_init__()
        between(self, 0, 1, "decay", open_end=True)
        if not isinstance(self.memory, MemUPSpec):
            raise ValueError(
                f"rule joint trains the memory by memup, got {type(self.memory).__name__}; use --rule pretrained for "
                "another rule of the memory"
            )

    def turns(self, steps: int) -> dict[str, Turn]:
        return {"memory": Turn(0, steps), "policy": Turn(0, steps)}

    def build(self, model: Any, task: HasEpisodes) -> "AbstractRule":
        memory = self.memory.build(model, task.episodes)
        return load(self.part)(self.policy.build(task.maze), memory, decay=self.decay)

    def updates_per_batch(self, task: Any) -> int:
        return self.policy.epochs * self.policy.minibatches


AGENT_RULES = {
    "pretrained": PretrainedSpec(),
    "joint": JointSpec(),
    "pretrained-truncated": PretrainedSpec(memory=TruncatedSpec()),
}
