"""Where the values of an option are searched by `vestige tune`: declared beside the option, readable without JAX."""

import abc
import dataclasses
import math
from collections.abc import Iterator
from typing import Any

SEARCH = "search"
"""The key of a field's metadata under which its range stands."""


class AbstractRange(abc.ABC):
    """The values that are tried for an option."""

    @abc.abstractmethod
    def suggest(self, trial: Any, name: str) -> Any:
        """Draw the value of a trial.

        **Arguments:**

        - `trial`: an `optuna.Trial`.
        - `name`: of the option, dotted.

        **Returns:** a value in the range; the same when it is called again for a trial that has one.
        """

    @abc.abstractmethod
    def including(self, value: Any) -> "AbstractRange":
        """Widen the range.

        **Arguments:**

        - `value`: of the option.

        **Returns:** a range that holds `value`; this one where `value` cannot lie in a range of this kind.
        """

    @abc.abstractmethod
    def __contains__(self, value: Any) -> bool: ...

    @abc.abstractmethod
    def ends(self) -> tuple[Any, ...]:
        """The values that must be possible for all to be: the two ends, or all choices."""

    @abc.abstractmethod
    def __str__(self) -> str:
        """As it is typed after `--space NAME=`."""


@dataclasses.dataclass(frozen=True)
class AbstractInterval(AbstractRange):
    """Numbers from `low` to `high`, both among them; with `log` their logarithms are uniform.

    **Raises:** `ValueError` where there is none, an end is not finite, or a logarithm does not exist.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self):
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError(f"low and high must be finite, got {self.low} and {self.high}")
        if not self.low < self.high:
            raise ValueError(f"low must be less than high, got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"low must be positive where logarithms are searched, got {self.low}")

    @abc.abstractmethod
    def admits(self, value: Any) -> bool:
        """Whether something is a number of this kind, wherever it lies.

        **Arguments:**

        - `value`: of an option, or anything else.

        **Returns:** True for finite numbers of the kind.
        """

    def including(self, value: Any) -> "AbstractInterval":
        if not self.admits(value) or (self.log and value <= 0):
            return self
        return dataclasses.replace(self, low=min(self.low, value), high=max(self.high, value))

    def __contains__(self, value: Any) -> bool:
        return self.admits(value) and self.low <= value <= self.high

    def ends(self) -> tuple[Any, ...]:
        return self.low, self.high

    def __str__(self) -> str:
        low, high = (str(end) if isinstance(end, int) else f"{end:g}" for end in (self.low, self.high))
        return f"{low}:{high}{':log' if self.log else ''}"


@dataclasses.dataclass(frozen=True)
class Reals(AbstractInterval):
    """Real numbers."""

    def suggest(self, trial: Any, name: str) -> float:
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def admits(self, value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclasses.dataclass(frozen=True)
class Integers(AbstractInterval):
    """Whole numbers."""

    low: int  # pyright: ignore[reportIncompatibleVariableOverride]
    high: int  # pyright: ignore[reportIncompatibleVariableOverride]

    def suggest(self, trial: Any, name: str) -> int:
        return trial.suggest_int(name, self.low, self.high, log=self.log)

    def admits(self, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)


@dataclasses.dataclass(frozen=True)
class Choices(AbstractRange):
    """Some values, without an order. **Raises:** `ValueError` where there are none."""

    values: tuple[Any, ...]

    def __post_init__(self):
        if not self.values:
            raise ValueError("values must name at least one, got none")

    def suggest(self, trial: Any, name: str) -> Any:
        return trial.suggest_categorical(name, self.values)

    def including(self, value: Any) -> "Choices":
        return self if value in self.values else Choices((value, *self.values))

    def __contains__(self, value: Any) -> bool:
        return value in self.values

    def ends(self) -> tuple[Any, ...]:
        return self.values

    def __str__(self) -> str:
        return ",".join(map(str, self.values))


def searched(default: Any, over: AbstractRange) -> Any:
    """A field of a specification that `vestige tune` searches.

    **Arguments:**

    - `default`: of the option; a value in the range.
    - `over`: where it is searched.

    **Returns:** a dataclass field.
    """
    return dataclasses.field(default=default, metadata={SEARCH: over})


def declared(spec: Any, prefix: str = "") -> Iterator[tuple[str, AbstractRange]]:
    """Dotted name and range of every option of a specification, and of its parts, that declares one.

    **Arguments:**

    - `spec`: a frozen dataclass, such as an experiment.
    - `prefix`: what stands before every name.
    """
    for field in dataclasses.fields(spec):
        value, name = getattr(spec, field.name), f"{prefix}{field.name}"
        if (over := field.metadata.get(SEARCH)) is not None:
            yield name, over
        if dataclasses.is_dataclass(value):
            yield from declared(value, f"{name}.")
