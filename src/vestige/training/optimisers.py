"""The optimisers by name, and what may be set of each; nothing here imports JAX."""

import abc
import dataclasses
from typing import Any, ClassVar, Literal

from vestige.checks import at_least, between, positive
from vestige.registries import Registry
from vestige.rules.agent_specs import AbstractAgentSpec, Turn
from vestige.search import Reals, searched
from vestige.spec import Spec


class OptimiserSpec(Spec):
    """The options of an optimiser."""

    contract: ClassVar[str] = "optimiser"

    def check(self, rule: Any) -> None:
        """Check that the optimiser goes together with a rule; by default it does.

        **Arguments:**

        - `rule`: a `RuleSpec`.

        **Raises:** `ValueError` where it does not.
        """

    def bound_to(self, steps: int, more: int, *, rule: Any) -> str:
        """Why the first updates of a longer run differ from those of a shorter one; a run is made longer only where
        they are the same. An optimiser that does not override this is taken to depend on the length.

        **Arguments:**

        - `steps`, `more`: updates of the shorter and of the longer run.
        - `rule`: the rule's specification.

        **Returns:** the reason, to follow "for"; empty where the updates are the same.
        """
        del steps, more, rule
        return f"the optimiser {type(self).__name__} does not say that its updates are free of the length of a run"

    @abc.abstractmethod
    def build(self, steps: int, *, task: Any, rule: Any) -> Any:
        """The optax transformation.

        **Arguments:**

        - `steps`: updates of the run.
        - `task`: the built task, for optimisers whose coefficients depend on what is observed.
        - `rule`: the rule's specification, for optimisers of models whose parts learn one after the other.

        **Returns:** an `optax.GradientTransformation`.

        **Raises:** `ValueError` where the options do not fit the task.
        """


@dataclasses.dataclass(frozen=True)
class AbstractScheduledSpec(OptimiserSpec):
    """An optimiser with an optional warm-up and decay of its learning rate."""

    rate: float = searched(1e-3, Reals(1e-4, 3e-2, log=True))
    """Peak learning rate."""
    decay: Literal["cosine", "constant", "tenth"] = "cosine"
    """cosine: to 1 % of the peak at the last update. tenth: a tenth of the peak for the last 40 % of the updates."""
    warmup: int = 0
    """Updates over which the rate rises from zero."""

    def __post_init__(self):
        super().__post_init__()
        positive(self, "rate")
        at_least(self, 0, "warmup")

    def bound_to(self, steps: int, more: int, *, rule: Any) -> str:
        return {
            "cosine": "its learning rate falls along a cosine that ends with the last update",
            "tenth": "its learning rate falls to a tenth for the last 40 % of the updates",
            "constant": "",
        }[self.decay]

    def schedule(self, steps: int, rate: Any = None) -> Any:
        """The learning rate by update.

        **Arguments:**

        - `steps`: updates of the run, `warmup` among them.
        - `rate`: the peak where it is an input of the compiled program, as `vestige.training.rated.rated` hands it on;
          None: that of the options, a constant of the program.

        **Returns:** an optax schedule, from the number of an update to its rate.
        """
        import optax

        peak = self.rate if rate is None else rate
        after = max(steps - self.warmup, 1)
        schedules = {
            "cosine": optax.cosine_decay_schedule(peak, after, alpha=0.01),
            "constant": optax.constant_schedule(peak),
            "tenth": optax.piecewise_constant_schedule(peak, {round(0.6 * after): 0.1}),
        }
        schedule = schedules[self.decay]
        if self.warmup:
            rise = optax.linear_schedule(0.0, peak, self.warmup)
            schedule = optax.join_schedules([rise, schedule], [self.warmup])
        return schedule


@dataclasses.dataclass(frozen=True)
class AdamSpec(AbstractScheduledSpec):
    """Adam, with an optional warm-up and decay of the learning rate."""

    def build(self, steps: int, *, task: Any, rule: Any) -> Any:
        import optax

        from vestige.training.rated import rated

        return rated(self.rate, lambda rate: optax.adam(self.schedule(steps, rate)))


@dataclasses.dataclass(frozen=True)
class TwoRatesSpec(AbstractScheduledSpec):
    """Adam, with a rate of its own for what the log-rates of a latent structure are made of, which explores at first.

    Where what reads a draw learns faster than what draws, draws stay random until the reader can tell good ones from
    bad ones. The fields of a model that draw are those that it names in `latent`, and the numbers that fall to zero
    those in `annealed`; a model that names none learns as by Adam.
    """

    latent: float = searched(0.25, Reals(0.03, 1.0, log=True))
    """The rate of the fields that draw, as a part of that of all others."""
    explore: float = searched(0.6, Reals(0.0, 1.0))
    """Over which part of the updates exploration falls to zero, linearly."""

    def __post_init__(self):
        super().__post_init__()
        positive(self, "latent")
        between(self, 0.0, 1.0, "explore")

    def bound_to(self, steps: int, more: int, *, rule: Any) -> str:
        return super().bound_to(steps, more, rule=rule) or "exploration ends at a part of all updates"

    def build(self, steps: int, *, task: Any, rule: Any) -> Any:
        import optax

        from vestige.training.rated import rated
        from vestige.training.two_rates import for_latent_structures

        slower = for_latent_structures(self.latent, round(self.explore * steps))
        return rated(self.rate, lambda rate: optax.chain(optax.adam(self.schedule(steps, rate)), slower))


@dataclasses.dataclass(frozen=True)
class MuonSpec(AbstractScheduledSpec):
    """Momentum whose update of each matrix is made orthogonal; Adam, with Nesterov's momentum, for all else.

    Every direction of a matrix moves at the same pace, also those in which the gradient is small. The update has about
    the size of Adam's (a root mean square of 0.2), so that rates are alike.
    """

    rate: float = searched(7e-3, Reals(1e-3, 3e-2, log=True))
    """Peak learning rate."""
    warmup: int = 100
    """Updates over which the rate rises from zero."""

    def build(self, steps: int, *, task: Any, rule: Any) -> Any:
        import optax

        from vestige.training.rated import rated

        return rated(self.rate, lambda rate: optax.contrib.muon(self.schedule(steps, rate), consistent_rms=0.2))


@dataclasses.dataclass(frozen=True)
class ByPartSpec(OptimiserSpec):
    """An optimiser for the memory of an agent and one for its policy.

    While a part does not learn, its optimiser rests: the part does not move, not even by momentum, and no momentum is
    lost. A schedule is as long as its part learns.
    """

    memory: OptimiserSpec = AdamSpec(decay="constant")
    policy: OptimiserSpec = AdamSpec()

    def __post_init__(self):
        super().__post_init__()
        for name in ("memory", "policy"):
            if isinstance(getattr(self, name), ByPartSpec):
                raise ValueError(f"{name} must be an optimiser for one part, such as adam or muon; got by-part")

    def check(self, rule: Any) -> None:
        if not isinstance(rule, AbstractAgentSpec):
            raise ValueError(
                "optimiser by-part needs a rule that trains a memory and a policy, such as pretrained or joint; got "
                f"{type(rule).__name__}. Use --optimiser adam"
            )
        self.memory.check(rule.memory)
        self.policy.check(rule)

    def bound_to(self, steps: int, more: int, *, rule: Any) -> str:
        shorter, longer = rule.turns(steps), rule.turns(more)
        for name, part in (("memory", self.memory), ("policy", self.policy)):
            turn, other = shorter[name], longer[name]
            if not _same_turn(turn, steps, other, more):
                return f"its {name} learns during another part of the run"
            lengths = turn.end - turn.first, other.end - other.first
            if lengths[0] != lengths[1] and (why := part.bound_to(*lengths, rule=rule)):
                return f"of the {name}, {why}"
        return ""

    def build(self, steps: int, *, task: Any, rule: Any) -> Any:
        import equinox as eqx
        import optax

        self.check(rule)
        parts = {name: getattr(self, name) for name in ("memory", "policy")}
        turns = rule.turns(steps)
        optimisers: dict[Any, Any] = {
            name: _in_turn(part.build(turns[name].end - turns[name].first, task=task, rule=rule), turns[name], steps)
            for name, part in parts.items()
        }

        def labels(agent: Any) -> Any:
            return eqx.tree_at(lambda a: tuple(getattr(a, name) for name in parts), agent, tuple(parts))

        return optax.partition(optimisers, labels)


def _same_turn(turn: Turn, steps: int, other: Turn, more: int) -> bool:
    """Whether `turn` of `steps` updates and `other` of `more` are the same up to the end of the shorter run."""
    same_end = turn.end == other.end or (turn.end >= steps and other.end >= more)
    return turn.first == other.first and same_end and (turn == Turn(0, steps)) == (other == Turn(0, more))


def _in_turn(optimiser: Any, turn: Turn, steps: int) -> Any:
    """The optimiser, at rest outside the updates of its turn."""
    import optax

    if turn == Turn(0, steps):
        return optimiser

    def learns(step: Any, **_: Any) -> Any:
        if turn.first == 0:
            return step < turn.end
        begun = step >= turn.first
        return begun if turn.end >= steps else begun & (step < turn.end)

    return optax.conditionally_mask(optimiser, learns)


@dataclasses.dataclass(frozen=True)
class MassSpringDamperSpec(OptimiserSpec):
    """Momentum whose mass grows from epoch to epoch, by group of parameters: the authors' optimiser of harmoniums.

    What is None is as in the authors' program for what is observed: a population, a plane, films, motion, notes or
    letters.
    """

    schedule: Literal["exponential", "hyperbolic", "logistic"] | None = None
    """How the mass grows."""
    epoch: int | None = None
    """Updates of an epoch; where the authors' program names none: a fiftieth of the run."""
    state_weights: float | None = None
    """Mass of the weights from the previous state; 1 / mass is the first learning rate."""
    input_weights: float | None = None
    """Mass of the weights from the observation."""
    state_bias: float | None = None
    """Mass of the biases of the previous state."""
    input_bias: float | None = None
    """Mass of the biases of the observation."""
    hidden_bias: float | None = None
    """Mass of the biases of the hidden bits."""
    upper: float | None = None
    """Mass of weights and biases between two layers of hidden bits, in a model that has several."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "epoch")
        positive(self, "state_weights", "input_weights", "state_bias", "input_bias", "hidden_bias", "upper")

    def check(self, rule: Any) -> None:
        if rule.needs != "step density":
            raise ValueError(
                "optimiser mass-spring-damper is one for recurrent harmoniums, which learn by rules for the density "
                f"of a step, such as local; got {type(rule).__name__}. Use --optimiser adam"
            )

    def bound_to(self, steps: int, more: int, *, rule: Any) -> str:
        return "its masses grow over the epochs of the run"

    def build(self, steps: int, *, task: Any, rule: Any) -> Any:
        from vestige.tasks.filtering.momentum_groups import HasMomentumGroups
        from vestige.training.harmonium_momentum import harmonium_momentum

        if not isinstance(task, HasMomentumGroups):
            raise ValueError(
                "optimiser: the mass-spring-damper is one for recurrent harmoniums on observations, got the task "
                f"{type(task).__name__}; take --optimiser adam"
            )
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        groups = task.momentum_groups._replace(**{name: value for name, value in given.items() if value is not None})
        return harmonium_momentum(groups, steps)


OPTIMISERS: Registry[OptimiserSpec] = Registry(
    "optimiser",
    OptimiserSpec,
    {
        "adam": AdamSpec(),
        "muon": MuonSpec(),
        "two-rates": TwoRatesSpec(),
        "by-part": ByPartSpec(),
        "mass-spring-damper": MassSpringDamperSpec(),
    },
)
"""What `--optimiser NAME` stands for."""
