"""A learner of a stream: every row is predicted before it is seen, learned from, and forgotten."""

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vestige.checks import SEEDS
from vestige.errors import UsageError, shown
from vestige.models.families import InPart
from vestige.models.filters.contract import replaced
from vestige.models.filters.spec import FilterSpec
from vestige.models.filters.specs import AutoregressiveSpec
from vestige.online.advance import BLOCK, NOT_FINITE, TOO_LARGE, Learned, Plan, StreamState, advance, expected
from vestige.online.beginning import Begun, beginning, plan_of, scaling_of
from vestige.online.rows import Rows, read_rows
from vestige.online.scaler import Moving, moved
from vestige.registries import registry
from vestige.tasks.filtering.calibration import LEAST
from vestige.tasks.filtering.scaling import PLAIN_FAMILIES, SUPPORT, Kind, Scaling
from vestige.training.optimisers import AdamSpec
from vestige.typing import Key

WARMUP = 200
LEAST_WARMUP = 10
LEAST_SCALE = 1e-3
"""Of a value, in units of that of the warm-up: what stands still for long has a scale."""
INTERVAL = 0.9
DEFAULT = AutoregressiveSpec(order=8, penalty=1e-3, width=0, noise="heavy-tailed")
"""Regressions with four memories, solved at every row, and a law around them that is learned."""


class NextStep(NamedTuple):
    """What is expected of the row that comes next, in units of the stream, float64."""

    mean: np.ndarray
    """(values,)"""
    low: np.ndarray
    """(values,), where its interval begins."""
    high: np.ndarray
    """(values,), where it ends."""


class Learner:
    """Learns from a stream, row by row, in constant memory. Each row is predicted before it is seen.

    The first `warmup` rows give the units, mean and standard deviation of each value in float64; then the model is
    built and goes through them. Units stay as they are, which suits an autoregression, or follow the rows (`memory`),
    which suits a net, whose weights know one size of numbers. From there on every row costs the same: it is predicted,
    its surprise is measured, its values move the state, and it is learned from by
    [`TemporallyLocal`][vestige.rules.TemporallyLocal], which lets no gradient cross time, and, in an autoregression, by
    regressions that forget. Rows that come one at a time and in blocks give the same.

    A value that is NaN is missing; the others of its row count. An update that is not finite, or whose gradient is a
    thousand times the usual one, is left out, counted in `left_out`, and said in a `RuntimeWarning`.

    **Arguments:**

    - `model`: the options of a filter, or its name: `autoregressive`, `rvae`, `factor`, … By default an autoregression
      of order 8.
    - `kind`: of the values: numbers, counts or bits.
    - `warmup`: rows before the first prediction.
    - `memory`: rows after which mean and scale have forgotten all but 1/e of a row; None: they stay.
    - `interval`: the share of values that the intervals of `predict` are to cover.
    - `rate`: of Adam, for what is learned by gradients.
    - `seed`: of parameters and noise.

    Its attributes: `names` of the values, `rows` that have come, updates `left_out`; `early`, the rows of the warm-up
    as long as it lasts; `begun`, scale and state after it.

    **Raises:** `UsageError` for options that cannot be.
    """

    def __init__(
        self,
        model: FilterSpec | str = DEFAULT,
        *,
        kind: Kind = "numbers",
        warmup: int = WARMUP,
        memory: float | None = None,
        interval: float = INTERVAL,
        rate: float = 1e-3,
        seed: int = 0,
    ):
        spec = registry("model").find(model) if isinstance(model, str) else model
        if not isinstance(spec, FilterSpec):
            raise UsageError(f"Learner: model must be a filter, such as autoregressive or rvae, got {shown(model)}")
        if kind not in PLAIN_FAMILIES:
            raise UsageError(f"Learner: kind must be one of {', '.join(PLAIN_FAMILIES)}, got {shown(kind)}")
        for name, value, least, most in (("warmup", warmup, LEAST_WARMUP, 2**24), ("seed", seed, 0, SEEDS - 1)):
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise UsageError(f"Learner: {name} must be a whole number in {least}..{most:,}, got {shown(value)}")
        reals = [("interval", interval, 0, 1), ("rate", rate, 0, float("inf"))]
        if memory is not None:
            reals.append(("memory", memory, 1, float("inf")))
        for name, value, low, high in reals:
            if isinstance(value, bool) or not isinstance(value, int | float) or not low < value < high:
                raise UsageError(f"Learner: {name} must be in ({low:g}, {high:g}), got {shown(value)}")
        if memory is not None and kind != "numbers":
            raise UsageError(f"Learner: memory is of the units of numbers, and {kind} have none; leave it out")
        self.kind: Kind = kind
        self.model, self.warmup, self.seed = spec, warmup, seed
        self.interval, self.rate, self.memory = float(interval), float(rate), memory
        self.names: tuple[str, ...] | None = None
        self.rows = 0
        self.left_out = 0
        self.early: np.ndarray | None = None
        self.begun: Begun | None = None

    @property
    def width(self) -> int | None:
        """Values of a row; None before the first."""
        return None if self.early is None else self.early.shape[1]

    def partial_fit(self, rows: Any) -> np.ndarray | float:
        """Learn from the rows that come next.

        **Arguments:**

        - `rows`: a row: name -> number, or (values,); or a block of rows: (rows, values), or a frame. The first names
          the values, or says how many there are.

        **Returns:** -log q(row | rows before it) in nats, a density in the units of the stream (the logarithm of each
        scale is added to that of the scaled values): one number for a row, (rows,) float64 for a block. NaN in the
        warm-up, and where no value is there.

        **Raises:** `UsageError` for other columns than those of the rows before, what is no finite number or not of the
        `kind`, by column and row, and where the rows of the warm-up give a value no scale; then nothing is learned from
        any of the rows.
        """
        found = self._read(rows)
        early = np.zeros((0, found.values.shape[1])) if self.early is None else self.early
        taken = min(len(found.values), self.warmup - len(early)) if self.begun is None else 0
        early = np.concatenate([early, found.values[:taken]])
        begun = self.begun
        if begun is None and len(early) == self.warmup:
            begun, early = self._begin(early, found.names), early[:0]
        self.early, self.begun, self.names, self.rows = early, begun, found.names, self.rows + taken
        surprise = np.full(len(found.values), np.nan)
        if begun is not None and taken < len(found.values):
            surprise[taken:] = self._advance(begun, found.values[taken:])
        return float(surprise[0]) if found.single else surprise

    def predict(self) -> NextStep:
        """What is expected of the row that comes next; in the warm-up means so far, with intervals without ends.

        The ends lie on both sides of the mean, as far away as covers the wanted share of the rows of late: a width
        grows by 2 percent with each value that it missed, and shrinks with each that it covered.

        **Returns:** mean and interval, float64 in units of the stream.

        **Raises:** `UsageError` before the first row.
        """
        if self.early is None:
            raise UsageError("Learner: no row has come yet, so that nothing can be predicted; call partial_fit first")
        if self.begun is None:
            there = ~np.isnan(self.early)
            count = there.sum(axis=0)
            mean = np.where(there, self.early, 0.0).sum(axis=0) / np.where(count, count, np.nan)
            low, high = SUPPORT[self.kind]
            return NextStep(mean, np.full(len(mean), low), np.full(len(mean), high))
        units, state = self.begun.units, self.begun.state
        mean = units.mean + units.scale * np.asarray(expected(state, self._key), np.float64)
        width = units.scale * np.asarray(state.widths, np.float64)
        low, high = (np.clip(edge, *SUPPORT[self.kind]) for edge in (mean - width, mean + width))
        return NextStep(mean, low, high)

    def score(self, rows: Any) -> float:
        """How probable the rows that come next are, without learning from them: the learner is as it was.

        **Arguments:**

        - `rows`: as for `partial_fit`.

        **Returns:** the mean of log q(row | rows before it) over those with a value, in nats as of `partial_fit`; the
        higher the better.

        **Raises:** `UsageError` as `partial_fit`, in the warm-up, and where no value is there.
        """
        found = self._read(rows)
        if self.begun is None:
            raise UsageError(
                f"Learner: the warm-up takes {self.warmup:,} rows, {self.rows:,} have come; there is no model to score "
                "rows with"
            )
        surprise = self._through(self.begun, found.values, learning=False, memory=self.memory)[1]
        if np.isnan(surprise).all():
            raise UsageError("Learner: there is no value in the rows, so that there is nothing to score")
        return float(-np.nanmean(surprise))

    def save(self, path: str | Path) -> None:
        """Write everything that the learner is into one file, whole or not at all; what is there is replaced.

        **Arguments:**

        - `path`: of the file, in the safetensors format.

        **Raises:** `RunError` where it cannot be written.
        """
        from vestige.online.storing import write_learner

        write_learner(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> "Learner":
        """The learner that `save` wrote. It goes on as the other would have: bit for bit, on the same kind of machine.

        **Arguments:**

        - `path`: of the file.

        **Raises:** `UsageError` where it is no such file, or is damaged.
        """
        from vestige.online.storing import read_learner

        return read_learner(cls, Path(path))

    def _read(self, rows: Any) -> Rows:
        found = read_rows(rows, self.names, self.width)
        family = PLAIN_FAMILIES[self.kind](found.values.shape[1])
        try:
            InPart(family).admit(found.values, "Learner")
        except ValueError as error:
            raise UsageError(str(error)) from None
        return found

    def planned(self, scaling: Scaling) -> Plan:
        """How it learns. **Arguments:** `scaling`: of the warm-up."""
        return plan_of(self.model, scaling.family, AdamSpec(self.rate, decay="constant"), self.interval)

    @property
    def _key(self) -> Key:
        return jax.random.key(self.seed)

    def _begin(self, early: np.ndarray, names: tuple[str, ...] | None) -> Begun:
        """Build the model and go through the rows of the warm-up."""
        called = names or tuple(f"value {place}" for place in range(early.shape[1]))
        scaling = scaling_of(early, called, self.kind)
        plan = self.planned(scaling)
        state = beginning(self.model, scaling, early, plan, seed=self.seed)
        units = Moving(scaling.mean, scaling.scale)
        after, _, said = self._through(Begun(scaling, units, plan, state), early, learning=True, memory=None)
        errors = (early - scaling.mean) / scaling.scale - said.mean
        return after._replace(state=_with_widths(after.state, errors[len(early) // 2 :], self.interval))

    def _advance(self, begun: Begun, values: np.ndarray) -> np.ndarray:
        after, surprise, said = self._through(begun, values, learning=True, memory=self.memory)
        for kind, what in ((NOT_FINITE, "was not finite"), (TOO_LARGE, "had a gradient far beyond the usual")):
            if count := int((said.refused == kind).sum()):
                row = self.rows + 1 + int(np.argmax(said.refused == kind))
                more = f", and {count - 1:,} after it" if count > 1 else ""
                self.left_out += count
                warnings.warn(
                    f"Learner: the update at row {row:,}{more} {what} and is left out", RuntimeWarning, stacklevel=3
                )
        self.begun, self.rows = after, self.rows + len(values)
        return surprise

    def _through(
        self, begun: Begun, values: np.ndarray, *, learning: bool, memory: float | None
    ) -> tuple[Begun, np.ndarray, Learned]:
        """Go through rows: what there is after them, their surprise in units of the stream, and what was said of them,
        scaled."""
        state = begun.state
        units = moved(values, begun.units, memory=memory, least=LEAST_SCALE * begun.scaling.scale)
        scaled = ((values - units.means) / units.scales).astype(np.float32)
        there = ~np.isnan(scaled)
        if not state.model.in_part:
            there &= there.all(axis=1, keepdims=True)
        parts = []
        for start in range(0, len(scaled), BLOCK):
            part = scaled[start : start + BLOCK]
            filled = np.full((BLOCK, scaled.shape[1]), np.nan, np.float32)
            filled[: len(part)] = part
            given = jnp.asarray(filled), jnp.asarray(len(part), jnp.int32), jnp.asarray(learning)
            state, said = advance(begun.plan, state, *given, self._key)
            parts.append([np.asarray(leaf)[: len(part)] for leaf in said])
        said = Learned(*(np.concatenate(leaves) for leaves in zip(*parts, strict=True)))  # pyright: ignore[reportArgumentType]
        surprise = np.asarray(said.surprise, np.float64) + (there * np.log(units.scales)).sum(axis=1)
        surprise = np.where(there.any(axis=1), surprise, np.nan)
        return begun._replace(units=units.last, state=state), surprise, said


def _with_widths(state: StreamState, errors: np.ndarray, interval: float) -> StreamState:
    """With widths that cover the wanted share of some `errors` (rows, values), scaled; NaN where missing."""
    sorted_ = np.sort(np.abs(errors), axis=0)  # NaN last
    count = (~np.isnan(errors)).sum(axis=0)
    rank = np.minimum(np.ceil((count + 1) * interval), np.maximum(count, 1)).astype(int) - 1
    found = np.take_along_axis(sorted_, rank[None], axis=0)[0]
    known = jnp.asarray(np.where(np.isfinite(found), np.maximum(found, LEAST), 1.0), jnp.float32)
    return replaced(state, widths=known)
