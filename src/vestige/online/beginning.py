"""What is made of the first rows of a stream: its scale, and a model to go on with."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np

from vestige.data import FrameSet, Recorded
from vestige.errors import UsageError, listed
from vestige.models.families import AbstractFamily
from vestige.models.filters.spec import FilterSpec
from vestige.online.advance import Plan, StreamState, begun
from vestige.online.scaler import Moving
from vestige.plain import from_plain
from vestige.rules import TemporallyLocal
from vestige.rules.spec import RuleSpec
from vestige.tasks.filtering.recordings import Stretches, stretches
from vestige.tasks.filtering.scaling import Kind, Scaling
from vestige.training.optimisers import OptimiserSpec


@dataclass(frozen=True)
class EarlyRows:
    """What a filter is built for: the rows of the warm-up, scaled."""

    family: AbstractFamily
    train: Stretches


class Begun(NamedTuple):
    """A stream whose warm-up is over."""

    scaling: Scaling
    """Of the warm-up."""
    units: Moving
    """Of the next row."""
    plan: Plan
    state: StreamState


def scaling_of(rows: np.ndarray, names: tuple[str, ...], kind: Kind) -> Scaling:
    """The scale of each value of a stream, float64: mean and standard deviation of its first rows.

    **Arguments:**

    - `rows`: (rows, values) float64; NaN where missing.
    - `names`: of the values.
    - `kind`: numbers; counts and bits are left as they are.

    **Raises:** `UsageError` for a value that is never there, or of numbers never changes.
    """
    recorded = Recorded(FrameSet(rows, np.array([len(rows)]), names), np.zeros((len(rows), 0)))
    never = [name for name, column in zip(names, rows.T, strict=True) if np.isnan(column).all()]
    if never:
        raise UsageError(
            f"Learner: {listed(never)} held no value in the {len(rows):,} rows of the warm-up; leave it out, or make a "
            "Learner with a longer warmup"
        )
    if kind == "numbers":
        spans = np.nanmax(rows, axis=0) - np.nanmin(rows, axis=0)
        if still := [name for name, span in zip(names, spans, strict=True) if not span > 0]:
            raise UsageError(
                f"Learner: {listed(still)} never changed in the {len(rows):,} rows of the warm-up, so that it has no "
                "scale; leave it out, or make a Learner with a longer warmup"
            )
    return Scaling.fitted(recorded, kind)


def plan_of(spec: FilterSpec, family: AbstractFamily, optimiser: OptimiserSpec, interval: float) -> Plan:
    """How a model learns: by the temporally local rule that suits it.

    **Arguments:**

    - `spec`: of the model.
    - `family`: of a row.
    - `optimiser`: of the updates.
    - `interval`: the share of values that intervals are to cover.

    **Raises:** `UsageError` for a model that suits another kind of rule.
    """
    wanted = spec.suited(from_plain(RuleSpec, spec.default_rule, where=f"the rule of {type(spec).__name__}"))
    rule = wanted.build(spec, EarlyRows(family, stretches(_one_row(family.size))))
    if not isinstance(rule, TemporallyLocal):
        raise UsageError(
            f"Learner: {type(spec).__name__} learns by {type(rule).__name__}, and a stream is learned by a temporally "
            "local rule; take autoregressive, rvae or factor"
        )
    return Plan(rule, optimiser, interval)


def beginning(spec: FilterSpec, scaling: Scaling, rows: np.ndarray | None, plan: Plan, *, seed: int) -> StreamState:
    """The state before the first row.

    **Arguments:**

    - `spec`: of the model.
    - `scaling`: of the warm-up.
    - `rows`: those of the warm-up, on which a model may fit what it begins with; None: any, to be filled in.
    - `plan`: how it learns.
    - `seed`: of its first parameters.
    """
    frames = _one_row(scaling.width)
    if rows is not None:
        scaled = (rows - scaling.mean) / scaling.scale
        frames = FrameSet(scaled.astype(np.float32), np.array([len(rows)]), frames.channels)
    built = spec.build(EarlyRows(scaling.family, stretches(frames)), key=jax.random.key(seed))
    model = built.seeing_parts() or built
    return begun(model, spec.recursion(model), plan)


def _one_row(width: int) -> FrameSet:
    return FrameSet(np.zeros((1, width), np.float32), np.array([1]), tuple(f"value {j}" for j in range(width)))
