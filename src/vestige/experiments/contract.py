"""What every kind of experiment says of itself; nothing here imports JAX.

A kind is one options class. The rooms above know an experiment by these names alone, so that a new kind is
a folder beside the others and a line in the catalogue.
"""

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import optax

    from vestige.rules import AbstractRule
    from vestige.typing import Key


class Built(NamedTuple):
    """What a run is made of."""

    model: Any
    """An Equinox module."""
    task: Any
    """An `AbstractTask`."""
    rule: "AbstractRule"
    optimiser: "optax.GradientTransformation"
    key: "Key"
    """For the driver; independent of the one that made the model."""


class Findings(NamedTuple):
    """What a trained model came to."""

    metrics: dict[str, float]
    """Final metrics, by the names that `task.evaluate` gives them; more may be added."""
    metrics_train: dict[str, float]
    """The same on what the model was trained on; empty where there is no such thing."""
    bounds: dict[str, Any]
    """As `task.bounds` returns them."""
    arrays: "dict[str, np.ndarray]"
    """Curves and pictures, for `evaluation.npz`."""


class AbstractOptions(abc.ABC):
    """What may be set of one kind of experiment: the base of a frozen dataclass whose fields are the options.

    A field is a plain value, a frozen dataclass, or a union of such. The command line, `config.yaml` and the
    presets are made from the fields, before JAX is imported: a kind imports it in its methods only.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]  # every kind is a dataclass

    steps: int
    """Updates."""
    batch: int
    """Examples per update."""

    choices: ClassVar[Mapping[str, Mapping[str, Any]]]
    """Fields that take a name, `--memory none` or `--vary memory`: field -> name -> value."""
    subject: ClassVar[str]
    """What is trained, as the report's first sentence says it: "a generative model of sequences"."""
    variation: ClassVar[str] = ""
    """What `vestige compare` varies where nothing is said; empty where it must be said."""

    @property
    @abc.abstractmethod
    def headline(self) -> str:
        """The metric by which published models are told in `vestige list`."""

    @property
    @abc.abstractmethod
    def evaluations(self) -> int:
        """How many times a run is evaluated."""

    @property
    @abc.abstractmethod
    def evaluation_size(self) -> int:
        """Examples per evaluation: the `size` of `task.evaluate`."""

    @abc.abstractmethod
    def outline(self) -> dict[str, str]:
        """What `vestige list` tells of these options beside their updates, heading -> text; the headings are
        the same for all options of a kind."""

    @abc.abstractmethod
    def build(self, *, seed: int) -> Built:
        """Everything that a run needs, its data loaded.

        **Raises:** `UsageError` where data are missing; `ValueError` for sizes that do not fit.
        """

    @abc.abstractmethod
    def examine(self, built: Built, model: Any, *, key: "Key") -> Findings:
        """Judge a trained `model` on the task in `built`. The same model and key give the same findings."""
