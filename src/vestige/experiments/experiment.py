"""An experiment: a task, a model, a rule and an optimiser that fit each other, and how long and how wide they run.

Nothing here imports JAX until something is built.
"""

import dataclasses
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from vestige.capabilities import OF_MODELS, OF_TASKS
from vestige.checks import ROWS, at_least, at_most
from vestige.models.spec import ModelSpec
from vestige.plain import from_plain, name_of, spec_in
from vestige.registries import registry
from vestige.rules.spec import RuleSpec
from vestige.spec import Spec
from vestige.tasks.spec import TaskSpec
from vestige.training.optimisers import OptimiserSpec

if TYPE_CHECKING:
    import optax

    from vestige.rules import AbstractRule
    from vestige.tasks import AbstractTask
    from vestige.typing import Key


OF_THE_MODEL: Any = None
"""In place of a part: the one with which the model is trained where none is chosen."""


class Components(NamedTuple):
    """What a run is made of."""

    model: Any
    """An Equinox module."""
    task: "AbstractTask"
    """As the model sees it."""
    rule: "AbstractRule"
    optimiser: "optax.GradientTransformation"
    key: "Key"
    """For the driver; independent of the one that made the model."""
    fitted: dict[str, Any]
    """What was fitted on the training data, as plain values."""


@dataclasses.dataclass(frozen=True)
class Experiment(Spec):
    """What is learned, by what model and rule, and for how long.

    **Arguments:**

    - `task`, `model`: specifications that fit each other.
    - `rule`, `optimiser`: specifications; by default those with which the model is trained.
    - `steps`: updates.
    - `batch_size`: examples per update.
    - `num_evals`: how many times the model is evaluated while it learns.
    - `eval_size`: held-out examples per evaluation.
    - `patience`: evaluations without an improvement after which the run stops, with its best model; 0: never.
    - `min_delta`: what counts as an improvement.
    - `monitor`, `monitor_direction`: the metric that is to improve, and which way.
    - `precision`: "bfloat16" to round the operands of products in training, "float32" not to.

    **Raises:** `ValueError` where the parts do not fit, with what is missing and which parts have it.
    """

    task: TaskSpec
    model: ModelSpec
    rule: RuleSpec = OF_THE_MODEL
    optimiser: OptimiserSpec = OF_THE_MODEL
    steps: int = dataclasses.field(default=1000, kw_only=True)
    """Updates."""
    batch_size: int = dataclasses.field(default=32, kw_only=True)
    """Examples per update."""
    num_evals: int = dataclasses.field(default=10, kw_only=True)
    """How many times the model is evaluated while it learns."""
    eval_size: int = dataclasses.field(default=256, kw_only=True)
    """Held-out examples per evaluation."""
    patience: int = dataclasses.field(default=0, kw_only=True)
    """Stop after so many evaluations in a row without an improvement, with the model of the best one; 0: never."""
    min_delta: float = dataclasses.field(default=0.0, kw_only=True)
    """With patience: the best value so far must be passed by more than this."""
    monitor: str = dataclasses.field(default="", kw_only=True)
    """With patience: the metric of the evaluations that is to improve; by default that of the task."""
    monitor_direction: Literal["auto", "lower", "higher"] = dataclasses.field(default="auto", kw_only=True)
    """With patience: which way is better; auto: as is known of the metric."""
    precision: Literal["float32", "bfloat16"] = dataclasses.field(default="float32", kw_only=True)
    """Of the operands of products in training; sums, weights and evaluations stay in float32."""

    def __post_init__(self):
        super().__post_init__()
        for name in ("rule", "optimiser"):
            if getattr(self, name) is OF_THE_MODEL:
                object.__setattr__(self, name, default_of(self.model, name))
        at_least(self, 0, "steps", "patience", "min_delta")
        at_most(self, ROWS, "patience")
        if self.monitor_direction not in ("auto", "lower", "higher"):
            raise ValueError(f"monitor_direction must be auto, lower or higher, got {self.monitor_direction}")
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision must be float32 or bfloat16, got {self.precision}")
        at_least(self, 1, "batch_size", "num_evals")
        at_most(self, ROWS, "batch_size", "num_evals", "eval_size")
        at_least(self, self.task.min_eval_size, "eval_size")
        check_fit(self)

    def choose(self, names: Mapping[str, str]) -> "Experiment":
        """The experiment with parts replaced by registered ones.

        A part that has that name already keeps its options. Where the model is replaced, rule and optimiser follow it
        if they were those of the model before; a rule of the same name keeps the options that it was given.

        **Arguments:**

        - `names`: dotted path -> name: `{"rule": "memup", "model.memory": "dnc"}`.

        **Returns:** a new experiment, or this one where nothing changes.

        **Raises:** `UsageError` for an unknown name; `ValueError` where the parts do not fit.
        """
        outer = {path: self._named(path, names[path]) for path in ("task", "model") if path in names}
        model = outer.get("model", self.model)
        outer["rule"] = self._rule(model, names.get("rule"))
        outer["optimiser"] = self._optimiser(model, names.get("optimiser"))
        changed = any(part is not getattr(self, path) for path, part in outer.items())
        experiment = dataclasses.replace(self, **outer) if changed else self
        for path, name in names.items():
            if "." in path:
                present, part = experiment._at(path), experiment._named(path, name)
                if isinstance(part, RuleSpec) and part is not present:
                    part = taking_over(part, present)
                experiment = experiment.replace(path, part)
        return experiment

    def _rule(self, model: ModelSpec, name: str | None) -> RuleSpec:
        """The rule of that name for `model`, by default the present one or what stands in its place."""
        present, moved = name_of(self.rule), model is not self.model
        if name is None and moved and present == name_of(default_of(self.model, "rule")):
            name = name_of(default_of(model, "rule"))
        if name is None or (name == present and not moved):
            return self.rule
        after = usual(model, "rule", name)
        if name != present:
            return taking_over(after, self.rule)
        return carried(self.rule, usual(self.model, "rule", present), after)

    def _optimiser(self, model: ModelSpec, name: str | None) -> OptimiserSpec:
        """Likewise the optimiser, whose options (a learning rate) mean nothing to another one."""
        follows = model is not self.model and self.optimiser == default_of(self.model, "optimiser")
        if name is None:
            return default_of(model, "optimiser") if follows else self.optimiser
        if name == name_of(self.optimiser) and not follows:
            return self.optimiser
        return usual(model, "optimiser", name)

    def _named(self, path: str, name: str) -> Any:
        """The part registered as `name`; that which is at `path` already, where it has that name."""
        owner, _, field = path.rpartition(".")
        at, present = self._at(owner), self._at(path)
        chosen = registry(contract_of(type(at), field)).find(name)
        kept = isinstance(present, Spec) and type(present) is type(chosen) and name_of(present) == name
        return present if kept else chosen

    def _at(self, path: str) -> Any:
        """What is at a dotted path; the experiment itself where that is empty."""
        at: Any = self
        for step in filter(None, path.split(".")):
            at = getattr(at, step)
        return at

    def replace(self, path: str, value: Any) -> "Experiment":
        """The experiment with one option set.

        **Arguments:**

        - `path`: dotted, from the experiment to the option: `model.memory.slots`.
        - `value`: what the option is set to.

        **Returns:** a new experiment.

        **Raises:** `ValueError` for a value that makes no sense; `AttributeError` or `TypeError` where there is no such
        option.
        """

        def put(at: Any, steps: list[str]) -> Any:
            head, *rest = steps
            return dataclasses.replace(at, **{head: put(getattr(at, head), rest) if rest else value})

        return put(self, path.split("."))

    def check(self) -> "Experiment":
        """Check that the options of the parts fit each other. `build` calls it, and the constructor does not, so that
        options can be set one by one.

        **Returns:** the experiment itself.

        **Raises:** `ValueError` where they do not fit.
        """
        self.model.check(self.task)
        self.rule.check(self.model, self.task)
        return self

    def build(
        self, *, seed: int, dummy: bool = False, fitted: Mapping[str, Any] | None = None, outline: bool = False
    ) -> Components:
        """Everything that a run needs, its data loaded.

        **Arguments:**

        - `seed`: of initial parameters, batches and noise.
        - `dummy`: whether noise stands for data that are missing: to be timed, never learned.
        - `fitted`: what the task of a finished run fitted to its training data (scaler, kept channels), to evaluate on
          other data.
        - `outline`: whether the model has shapes in place of arrays, to be filled with stored ones.

        **Returns:** model, task, rule, optimiser, and the key for `fit`.

        **Raises:** `UsageError` where data are missing; `ValueError` for sizes that do not fit.
        """
        import jax

        self.check()
        if dummy:
            key_run = jax.random.split(jax.random.key(seed))[1]
            made = self.task.dummy_build(key=jax.random.fold_in(key_run, 0))
        else:
            made = self.task.build(seed=seed) if fitted is None else self.task.build_fitted(fitted, seed=seed)
        return self.build_on(made, seed=seed, outline=outline)

    def build_on(self, made: Any, *, seed: int, outline: bool = False) -> Components:
        """As `build`, on a task that is built already.

        **Arguments:**

        - `made`: the task.
        - `seed`, `outline`: as of `build`.

        **Returns:** as `build`.
        """
        import jax

        from vestige.training.leaves import compiled, outlined

        key_model, key_run = jax.random.split(jax.random.key(seed))
        task = self.model.view(self.task.presented(made, self.model.needs))
        make = lambda key: self.model.build(task, key=key)
        model = outlined(make, key_model) if outline else compiled(make, key_model)
        rule = self.rule.build(self.model, task)
        optimiser = self.optimiser.build(self.steps, task=task, rule=self.rule)
        return Components(model, task, rule, optimiser, key_run, self.task.fitted(made))

    def trained_by(self, rule: "AbstractRule") -> "AbstractRule":
        """The rule as training uses it.

        **Arguments:**

        - `rule`: as it was built.

        **Returns:** `rule`, or one that makes its updates in the `precision` of this experiment.
        """
        if self.precision == "float32":
            return rule
        from vestige.rules.mixed import Bfloat16Products

        return Bfloat16Products(rule)

    def summary(self) -> dict[str, str]:
        """What `vestige list` shows beside the updates.

        **Returns:** heading -> text, of task, model and rule.
        """
        return {**self.task.summary(), **self.model.summary(), **self.rule.summary()}


def taking_over(rule: RuleSpec, present: RuleSpec) -> RuleSpec:
    """`rule`, which was chosen by name, with the sizes of the `present` one, which it replaces, where it says nothing
    of them.
    """
    taken: dict[str, Any] = {}
    for field in dataclasses.fields(rule):
        if field.name in present.shared:
            own, theirs = getattr(rule, field.name), getattr(present, field.name)
            if own == field.default:
                taken[field.name] = theirs
            elif isinstance(own, RuleSpec) and type(own) is not type(theirs):
                taken[field.name] = taking_over(own, theirs)
    return dataclasses.replace(rule, **taken)


def default_of(model: ModelSpec, part: str) -> Any:
    """The `part`, "rule" or "optimiser", with which `model` is trained where none is chosen."""
    kind = {"rule": RuleSpec, "optimiser": OptimiserSpec}[part]
    return from_plain(kind, getattr(model, f"default_{part}"), where=f"default {part} of {type(model).__name__}")


def usual(model: ModelSpec, part: str, name: str) -> Any:
    """A rule or an optimiser as a model has it where no option is given.

    **Arguments:**

    - `model`: a specification.
    - `part`: "rule" or "optimiser".
    - `name`: a registered one.

    **Raises:** `UsageError` where there is none of that name.
    """
    chosen, default = registry(part).find(name), default_of(model, part)
    if name_of(default) == name:
        return default
    return model.suited(chosen) if part == "rule" else chosen


def carried(before: Any, unsaid: Any, after: Any) -> Any:
    """`after`, of the same class as `before`, with the options of that which are not as in `unsaid`."""
    names = [field.name for field in dataclasses.fields(before)]
    said = {name: getattr(before, name) for name in names if getattr(before, name) != getattr(unsaid, name)}
    return dataclasses.replace(after, **said)


def contract_of(owner: type, field: str) -> str:
    """The contract of the parts that the field `field` of `owner` holds; empty where it holds a plain value."""
    kind = spec_in(typing.get_type_hints(owner)[field])
    return kind.contract if kind else ""


def check_fit(experiment: Experiment) -> None:
    """**Raises:** `ValueError` where model and task, or rule and model, do not go together."""
    task, model, rule = experiment.task, experiment.model, experiment.rule
    if model.needs not in task.provides:
        others = [name for name, spec in registry("model").items() if spec.needs in task.provides]
        raise ValueError(
            f"model {name_of(model)} needs a task that provides {model.needs} ({OF_TASKS[model.needs]}); task "
            f"{name_of(task)} provides {_listed(task.provides)}. Models for it: {_listed(others)}"
        )
    if rule.needs not in model.provides:
        raise ValueError(
            f"rule {name_of(rule)} needs a model that provides {rule.needs} ({OF_MODELS[rule.needs]}); model "
            f"{name_of(model)} provides {_listed(model.provides)}. {_way_out(task, model, rule)}"
        )
    experiment.optimiser.check(rule)


def _way_out(task: TaskSpec, model: ModelSpec, rule: RuleSpec) -> str:
    models = [
        name for name, spec in registry("model").items() if spec.needs in task.provides and rule.needs in spec.provides
    ]
    if models:
        return f"On this task it runs with --model {' or '.join(models)}"
    rules = [name for name, spec in registry("rule").items() if spec.needs in model.provides]
    return f"Rules for this model: {_listed(rules)}"


def _listed(names: Any) -> str:
    return ", ".join(sorted(names)) or "nothing"
