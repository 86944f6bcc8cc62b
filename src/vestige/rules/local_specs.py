"""The rules for densities of a single step, as options; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from vestige.checks import at_least, between, positive
from vestige.rules.spec import RuleSpec
from vestige.spec import load

if TYPE_CHECKING:
    from vestige.rules.contract import AbstractRule
    from vestige.rules.objectives import AbstractStepObjective
    from vestige.rules.targets import AbstractTarget

OBJECTIVES: Mapping[str, str] = {
    "maximum-likelihood": "vestige.rules.objectives:MaximumLikelihood",
    "elbo": "vestige.rules.objectives:ELBO",
    "contrastive-divergence": "vestige.rules.objectives:ContrastiveDivergence",
}
"""What the `step_objective` of a model may name; any other name is `module:Class` of an `AbstractStepObjective`."""

Of = Literal["joint", "transition"]


def step_objective(model: Any) -> "AbstractStepObjective":
    """The objective that the specification of a model describes."""
    options = dict(model.step_objective)
    name = options.pop("name")
    return load(OBJECTIVES.get(name, name))(**options)


def target_of(of: Of) -> "AbstractTarget":
    """What is fitted at a step: the pair of previous state and observation, or the observation given the state."""
    return load(f"vestige.rules.targets:{'JointTarget' if of == 'joint' else 'TransitionTarget'}")()


@dataclasses.dataclass(frozen=True)
class AbstractStepRuleSpec(RuleSpec):
    """A rule that fits the density of a step."""

    clip: float | None = None
    """Global norm at which the gradient is clipped; None leaves it alone."""

    needs: ClassVar[str] = "step density"

    def __post_init__(self):
        super().__post_init__()
        positive(self, "clip")


@dataclasses.dataclass(frozen=True)
class AbstractLocalSpec(AbstractStepRuleSpec):
    """A temporally local rule: no gradient crosses time."""

    update_interval: int = 1
    """Steps per update."""
    slow: float | None = None
    """Decay of a slow copy of the model that makes the states; None: the model makes them itself."""

    part: ClassVar[str] = "vestige.rules.local:TemporallyLocal"
    shared: ClassVar[tuple[str, ...]] = ("update_interval",)

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "update_interval")
        between(self, 0, 1, "slow", open_end=True)

    @property
    def steps_per_update(self) -> int:
        return self.update_interval

    def updates_per_batch(self, task: Any) -> int:
        return -(-task.steps // self.update_interval)

    def fitting(self, model: Any, of: "AbstractTarget") -> "AbstractRule":
        """The rule with a given target.

        **Arguments:**

        - `model`: the model's specification, which says how a density is fitted.
        - `of`: what is fitted at each step.

        **Returns:** the temporally local rule.
        """
        return load(self.part)(step_objective(model), of, self.update_interval, self.slow, self.clip)


@dataclasses.dataclass(frozen=True)
class LocalSpec(AbstractLocalSpec):
    """Fit p(previous state, observation) at each step; no gradient crosses time."""

    def build(self, model: Any, task: Any) -> "AbstractRule":
        return self.fitting(model, target_of("joint"))


@dataclasses.dataclass(frozen=True)
class TransitionSpec(AbstractLocalSpec):
    """Fit p(observation given previous state) at each step; no gradient crosses time, and none calls for a memory."""

    def build(self, model: Any, task: Any) -> "AbstractRule":
        return self.fitting(model, target_of("transition"))


@dataclasses.dataclass(frozen=True)
class MultiStepSpec(AbstractLocalSpec):
    """Fit later observations at each step too, those that the model predicts; no gradient crosses time."""

    target: Of = "joint"
    """Whether the previous state is data like the observation (joint), or given (transition)."""

    def build(self, model: Any, task: Any) -> "AbstractRule":
        lags = model.lags
        if not lags:
            raise ValueError(
                "rule multi-step: the model predicts no later step; take --rule local, or --model rvae with "
                "--model.horizon 1 or more"
            )
        return self.fitting(model, load("vestige.rules.targets:MultiStepTarget")(lags, target_of(self.target)))


@dataclasses.dataclass(frozen=True)
class ShuffledSpec(AbstractStepRuleSpec):
    """As local, with previous states of other sequences: an ablation in which nothing calls for a memory."""

    part: ClassVar[str] = "vestige.rules.shuffled:Shuffled"

    def updates_per_batch(self, task: Any) -> int:
        return task.steps

    def build(self, model: Any, task: Any) -> "AbstractRule":
        return load(self.part)(LocalSpec(self.clip).build(model, task))


@dataclasses.dataclass(frozen=True)
class ThroughTimeSpec(AbstractStepRuleSpec):
    """Back-propagation through the last states, a step's density fitted at each."""

    bptt_length: int = 20
    """Steps per update, through which gradients go; at least 2."""
    target: Of = "transition"
    """What is fitted at each step: the pair of previous state and observation (joint), or the observation alone."""

    part: ClassVar[str] = "vestige.rules.local:ThroughTime"

    def __post_init__(self):
        super().__post_init__()
        if self.bptt_length < 2:
            raise ValueError(
                f"bptt_length must be at least 2, the steps through which gradients go, got {self.bptt_length}; for "
                "one step take --rule transition or --rule local"
            )

    @property
    def steps_per_update(self) -> int:
        return self.bptt_length

    def updates_per_batch(self, task: Any) -> int:
        return -(-task.steps // self.bptt_length)

    def build(self, model: Any, task: Any) -> "AbstractRule":
        return load(self.part)(step_objective(model), target_of(self.target), self.bptt_length, self.clip)


LOCAL_RULES: Mapping[str, RuleSpec] = {
    "local": LocalSpec(),
    "transition": TransitionSpec(),
    "multi-step": MultiStepSpec(),
    "shuffled": ShuffledSpec(),
    "through-time": ThroughTimeSpec(),
}
