"""An agent, as options; nothing here imports JAX."""

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from vestige.checks import at_least
from vestige.models.spec import ModelSpec
from vestige.spec import load

if TYPE_CHECKING:
    from vestige.models.longterm.model import LongTermModel
    from vestige.models.policy.agent import Agent
    from vestige.typing import Key

BEFORE = (0, 1, 2, 3, 4, 5)  # observation, last action and its reward: what a memory may see
QUESTION = (0, 1, 2, 6, 7)  # observation and action: what the reward may depend on (MemUP section 4.2)


@runtime_checkable
class Maze(Protocol):
    """The environment for which an agent is built."""

    @property
    def length(self) -> int:
        """Fewest steps of an episode."""
        ...

    @property
    def actions(self) -> int:
        """How many actions there are."""
        ...


@runtime_checkable
class HasMaze(Protocol):
    """A task in a maze."""

    @property
    def maze(self) -> Maze:
        """The environment."""
        ...


@dataclasses.dataclass(frozen=True)
class AgentSpec(ModelSpec):
    """A memory that predicts rewards, and an actor and a critic that act on what it keeps."""

    hidden: int = 64
    """Units of the memory, an LSTM."""
    features: int = 64
    """Numbers that a step is read into, once for the memory and once for the question; also the hidden units of the
    uncertainty detector."""
    width: int = 128
    """Hidden units of the predictor."""
    heads: int = 64
    """Units of each of the two hidden layers of actor and critic."""
    forget_bias: float | None = None
    """The LSTM's forget bias, whose opposite is the input bias; None: the logarithm of a fifth of the corridor's
    length, at least 1."""
    scale: bool = False
    """Whether the memory also predicts how far off its rewards will be, for scores by entropy (gain, entropy)."""

    part: ClassVar[str] = "vestige.models.policy.agent:Agent"
    needs: ClassVar[str] = "maze"
    provides: ClassVar[frozenset[str]] = frozenset({"agent"})
    subject: ClassVar[str] = "an agent with a long-term memory"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "hidden", "features", "width", "heads")

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return {"name": "pretrained"}

    @property
    def default_optimiser(self) -> Mapping[str, Any]:
        return {"name": "by-part"}

    def build(self, task: HasMaze, *, key: "Key") -> "Agent":
        import jax

        from vestige.models.policy.heads import Policy

        agent = load(self.part)
        key_memory, key_policy = jax.random.split(key)
        memory = self._memory(task.maze.length, key=key_memory)
        widths = (self.heads, self.heads)
        return agent(memory, Policy(agent.features_size(memory), task.maze.actions, widths=widths, key=key_policy))

    def _memory(self, length: int, *, key: "Key") -> "LongTermModel":
        import jax

        from vestige.cells import LSTM, Fixed
        from vestige.models.longterm import Columns, Detector, LongTermModel, Number, NumberWithScale

        keys = jax.random.split(key, 6)
        bias = max(1.0, math.log(length / 5)) if self.forget_bias is None else self.forget_bias
        outcome = NumberWithScale() if self.scale else Number()
        local = Columns(QUESTION, self.features, key=keys[3])
        return LongTermModel(
            Columns(BEFORE, self.features, key=keys[0]),
            LSTM(self.features, self.hidden, retention=Fixed(bias, -bias), key=keys[1]),
            Columns(QUESTION, self.features, key=keys[2]),
            outcome,
            Detector(local, outcome.size, width=self.features, key=keys[4]),
            width=self.width,
            key=keys[5],
        )
