"""What is fitted on training recordings, and kept with a run: new files are seen with the eyes of the training."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vestige.data import Recorded
from vestige.errors import UsageError
from vestige.models.families import (
    AbstractExponentialFamily,
    AbstractFamily,
    Bernoulli,
    CountScale,
    InPart,
    Poisson,
    UnitGaussian,
)
from vestige.tasks.filtering.featurizers import AbstractFeaturizer, Bare, WithChanges
from vestige.tasks.filtering.motion import constant_channels

Kind = Literal["numbers", "counts", "bits"]

PLAIN_FAMILIES: dict[Kind, Callable[[int], AbstractExponentialFamily]] = {
    "numbers": UnitGaussian,
    "counts": Poisson,
    "bits": Bernoulli,
}
"""The family of so many values of a kind, nothing fitted."""
KINDS: dict[type[AbstractFamily], Kind] = {UnitGaussian: "numbers", Poisson: "counts", Bernoulli: "bits"}
SUPPORT: dict[Kind, tuple[float, float]] = {"numbers": (-np.inf, np.inf), "counts": (0.0, np.inf), "bits": (0.0, 1.0)}
"""The least and the largest value of a kind."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """How recordings of a kind become what a model observes. A frame as recorded is `mean + scale · y` in `kept`.

    - `width`: values of a step in the file; `kept`: those that are seen, by number.
    - `mean`, `scale`: of the kept values, float64 on the host: float32 would round a level of 1e7 to 1.
    - `featurizer`: what is seen of a frame.
    - `family`: of what is seen, with the scale of training counts.
    - `alone`: the natural parameters of values that know neither each other nor the past, those of training means.
    """

    kind: Kind
    width: int
    kept: tuple[int, ...]
    mean: np.ndarray
    scale: np.ndarray
    featurizer: AbstractFeaturizer
    family: AbstractFamily
    alone: np.ndarray

    @classmethod
    def fitted(cls, train: Recorded, kind: Kind, *, leave_out: bool = False, changes: bool = False) -> "Scaling":
        """That of training recordings.

        **Raises:** `ValueError` for values that are not of the kind, constant channels (without `leave_out`), changes
        of what are not numbers.
        """
        if changes and kind != "numbers":
            raise ValueError(f"custom_recordings: changes are those of numbers, got {kind}; leave --task.changes out")
        frames, names = train.frames.frames, train.frames.channels
        kept = _kept(train, kind, leave_out)
        mean, scale = np.zeros(len(kept)), np.ones(len(kept))
        if kind == "numbers":
            known = frames[:, kept].astype(np.float64)
            mean, scale = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
        scaled = (frames[:, kept].astype(np.float64) - mean) / scale
        InPart(PLAIN_FAMILIES[kind](len(kept))).admit(scaled, "custom_recordings")
        featurizer = WithChanges.fitted(scaled, train.frames.starts) if changes else Bare()
        family, alone = _family(kind, featurizer.features(scaled, train.frames.starts))
        return cls(kind, len(names), tuple(kept), mean, scale, featurizer, family, alone)

    def scaled(self, recorded: Recorded) -> np.ndarray:
        """The kept values of some recordings in units of the training, float64. **Raises:** `ValueError` for values
        that are not of the kind, or more or fewer of them."""
        width = len(recorded.frames.channels)
        if width != self.width:
            raise ValueError(f"custom_recordings: trained on {self.width} values per step, got {width}")
        scaled = (recorded.frames.frames[:, list(self.kept)].astype(np.float64) - self.mean) / self.scale
        InPart(PLAIN_FAMILIES[self.kind](len(self.kept))).admit(scaled, "custom_recordings")
        return scaled

    def seen_after(self, before: np.ndarray, seen: np.ndarray, resets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the model sees of some rows.

        **Arguments:**

        - `before`: (1, p) float64, what the last call returned; NaN before any.
        - `seen`: (rows, p) float64, as recorded; NaN where missing.
        - `resets`: (rows,) booleans, where recordings begin.

        **Returns:** (rows, features) float32, and the last row in units of the training.
        """
        scaled = np.concatenate([before, (seen - self.mean) / self.scale])
        starts = np.concatenate([[0], 1 + np.flatnonzero(resets)])
        return self.featurizer.features(scaled, starts)[1:], scaled[-1:]

    def as_plain(self) -> dict[str, Any]:
        """As plain values, from which `from_plain` makes the same again, to the last digit."""
        changes, counts = None, None
        if isinstance(self.featurizer, WithChanges):
            changes = {name: np.asarray(getattr(self.featurizer, name)).tolist() for name in ("mean", "scale")}
        if isinstance(self.family, Poisson) and self.family.scale is not None:
            counts = {"rates": list(self.family.scale.rates), "spreads": list(self.family.scale.spreads)}
        return {
            "kind": self.kind,
            "width": self.width,
            "kept": list(self.kept),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "changes": changes,
            "counts": counts,
            "alone": self.alone.tolist(),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Scaling":
        """What `as_plain` gave. **Raises:** `UsageError` where it is something else."""
        try:
            kind, kept, changes, counts = plain["kind"], plain["kept"], plain["changes"], plain["counts"]
            featurizer = Bare()
            if changes is not None:
                featurizer = WithChanges.of(changes["mean"], changes["scale"])
            family = PLAIN_FAMILIES[kind](len(kept) * featurizer.per_channel)
            if counts is not None:
                scale = CountScale(tuple(map(float, counts["rates"])), tuple(map(float, counts["spreads"])))
                family = Poisson(len(kept), scale)
            mean, scale, alone = (np.array(plain[name], np.float64) for name in ("mean", "scale", "alone"))
            if not len(mean) == len(scale) == len(kept) or len(alone) != family.naturals or not np.all(scale > 0):
                raise ValueError(f"{len(kept)} values are kept, got {len(mean)} means and {len(scale)} scales")
            return cls(kind, int(plain["width"]), tuple(map(int, kept)), mean, scale, featurizer, family, alone)
        except (KeyError, TypeError, ValueError) as error:  # of a file that was written by hand, or damaged
            raise UsageError(f"the stored scaling of the training recordings is damaged: {error}") from error


def _kept(train: Recorded, kind: Kind, leave_out: bool) -> list[int]:
    """The values that are seen. **Raises:** `ValueError` for numbers that never change."""
    names = train.frames.channels
    still = constant_channels(train.frames) if kind == "numbers" else ()
    if still and not leave_out:
        raise ValueError(
            f"custom_recordings: numbers must change over the training steps, got constant {', '.join(still)}; leave "
            "them out (--task.leave-out), or from the file"
        )
    if len(still) == len(names):
        raise ValueError("custom_recordings: no value ever changes over the training steps; there is nothing to learn")
    return [j for j, name in enumerate(names) if name not in still]


def _family(kind: Kind, seen: np.ndarray) -> tuple[AbstractFamily, np.ndarray]:
    """The family, with the scale of training counts, and the natural parameters that go with training means."""
    width = seen.shape[1]
    if kind == "numbers":  # standardised
        return UnitGaussian(width), np.zeros(width)
    if kind == "counts":
        return Poisson(width, CountScale.fitted(seen)), np.zeros(width)
    seen = seen.astype(np.float64)
    mean = (np.nansum(seen, axis=0) + 0.5) / ((~np.isnan(seen)).sum(axis=0) + 1)  # no bit is impossible
    return Bernoulli(width), np.log(mean) - np.log1p(-mean)
