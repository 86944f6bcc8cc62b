"""The pair of recognition and generation, its ties, and a classifier, as options; nothing here imports JAX."""

import abc
import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from vestige.checks import at_least, positive
from vestige.models.spec import ModelSpec
from vestige.models.tied.layers import parsed, shapes, sizes
from vestige.registries import Registry
from vestige.spec import Spec, load, with_options

if TYPE_CHECKING:
    import equinox as eqx
    from jaxtyping import Array, Float

    from vestige.models.tied.pair import TiedPair
    from vestige.models.tied.ties import Tie
    from vestige.models.tied.visible import Visible
    from vestige.typing import Key


class TieSpec(Spec):
    """The options of a tie: what the weights of the two directions have to do with each other."""

    contract: ClassVar[str] = "tie"

    @abc.abstractmethod
    def build(self) -> "Tie":
        """The tie.

        **Returns:** a function from two kernels, of generation and of recognition, and the axis that counts upper
        units, to a tie.
        """


@dataclasses.dataclass(frozen=True)
class FullTieSpec(TieSpec):
    """Each other's transpose."""

    part: ClassVar[str] = "vestige.models.tied.ties:full"

    def build(self) -> "Tie":
        return load(self.part)


@dataclasses.dataclass(frozen=True)
class NoTieSpec(TieSpec):
    """Two networks."""

    alike: bool = False
    """Whether they begin as each other's transpose."""

    part: ClassVar[str] = "vestige.models.tied.ties:untied"

    def build(self) -> "Tie":
        return load("vestige.models.tied.ties:begun_tied" if self.alike else self.part)


@dataclasses.dataclass(frozen=True)
class ScaledTieSpec(TieSpec):
    """Each other's transpose up to a learned factor for each upper unit."""

    part: ClassVar[str] = "vestige.models.tied.ties:scaled"

    def build(self) -> "Tie":
        return load(self.part)


@dataclasses.dataclass(frozen=True)
class SoftTieSpec(TieSpec):
    """Two networks that are drawn together."""

    strength: float = 1e-3
    """Weight of the squared difference, in nats."""

    part: ClassVar[str] = "vestige.models.tied.ties:Softly"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 0, "strength")

    def build(self) -> "Tie":
        return self.make()


TIES: Registry[TieSpec] = Registry(
    "tie",
    TieSpec,
    {
        "full": FullTieSpec(),
        "none": NoTieSpec(),
        "init-only": NoTieSpec(alike=True),
        "scaled": ScaledTieSpec(),
        "soft": SoftTieSpec(),
    },
)
"""What `--tie NAME` stands for."""


@runtime_checkable
class BitOptions(Protocol):
    """What the options of a task that provides "bits" say of it."""

    @property
    def side(self) -> int:
        """Pixels of an image in each direction."""
        ...

    @property
    def most_hidden_bits(self) -> int | None:
        """How many hidden bits its evaluation can enumerate; None where it enumerates nothing."""
        ...


@runtime_checkable
class BitImages(Protocol):
    """What a task that provides "bits" gives to a model."""

    @property
    def train(self) -> "Float[Array, 'rows pixels']":
        """Images in {0, 1}, written as vectors."""
        ...

    @property
    def train_labels(self) -> "Float[Array, 'rows classes'] | None":
        """Indicators, zeros where a label is hidden; None: there are none."""
        ...

    @property
    def image(self) -> tuple[int, int]:
        """Height and width."""
        ...


@dataclasses.dataclass(frozen=True)
class TiedPairSpec(ModelSpec):
    """One stack of weights, upward to recognise and downward to generate."""

    layers: str = "8-4"
    """Bits of the hidden layers, from the data upward; first, if wanted, filters: 8c5s2 for 8 of 5 x 5 pixels with a
    stride of 2 (p1: and a border of 1). Where data have classes, these stand on top."""
    tie: TieSpec = FullTieSpec()
    scale: float = 0.1
    """Standard deviation of the first weights."""
    shortcuts: Literal["none", "hidden", "all"] = "none"
    """Layers that classes are joined with beside the last hidden one, to be recognised from them and to make them.
    hidden: every other hidden layer; all: these and the data."""

    part: ClassVar[str] = "vestige.models.tied.pair:tied_pair"
    needs: ClassVar[str] = "bits"
    provides: ClassVar[frozenset[str]] = frozenset({"two directions"})
    subject: ClassVar[str] = "a recognition and a generation network"

    def __post_init__(self):
        super().__post_init__()
        positive(self, "scale")
        parsed(self.layers)

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return {"name": "wake-sleep"}

    @property
    def default_optimiser(self) -> Mapping[str, Any]:
        return {"name": "adam", "rate": 5e-3, "decay": "tenth"}

    def hidden_bits(self, task: BitOptions) -> int:
        """Bits of all hidden layers together. **Raises:** `ValueError` where `layers` do not fit the images."""
        return sum(map(math.prod, shapes(self.layers, task.side)))

    def check(self, task: BitOptions) -> None:
        hidden, most = self.hidden_bits(task), task.most_hidden_bits
        if most is not None and hidden > most:
            raise ValueError(
                f"layers: this task is evaluated by enumeration, at most {most} hidden bits, got {self.layers}"
            )

    def summary(self) -> dict[str, str]:
        return {"layers": self.layers}

    def build(self, task: BitImages, *, key: "Key") -> "TiedPair":
        from vestige.models.tied.build import build_pair

        return build_pair(
            task.train,
            task.train_labels,
            image=task.image,
            layers=self.layers,
            tie=self.tie.build(),
            scale=self.scale,
            shortcuts=self.shortcuts,
            key=key,
        )


@runtime_checkable
class RowsOfValues(Protocol):
    """What a task that provides "rows" gives to a model."""

    @property
    def visible(self) -> "Visible":
        """What a row is made of."""
        ...

    @property
    def bias(self) -> "Float[Array, ' parameters']":
        """Of it at the start."""
        ...

    @property
    def train_labels(self) -> "Float[Array, 'rows classes'] | None":
        """Indicators, zeros where a label is not known; None: there are no classes."""
        ...


@dataclasses.dataclass(frozen=True)
class TiedRowsSpec(ModelSpec):
    """One stack of weights on rows of any kind of values, some of which may be missing."""

    layers: str = "32"
    """Bits of the hidden layers, from the data upward. Where rows have classes, these stand on top."""
    tie: TieSpec = FullTieSpec()
    scale: float = 0.1
    """Standard deviation of the first weights."""
    shortcuts: Literal["none", "hidden", "all"] = "none"
    """Layers that classes are joined with beside the last hidden one, to be recognised from them and to make them.
    hidden: every other hidden layer; all: these and the data."""

    part: ClassVar[str] = "vestige.models.tied.pair:tied_pair"
    needs: ClassVar[str] = "rows"
    provides: ClassVar[frozenset[str]] = frozenset({"two directions"})
    subject: ClassVar[str] = "a recognition and a generation network of rows of a table"

    def __post_init__(self):
        super().__post_init__()
        positive(self, "scale")
        sizes(self.layers)

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return {"name": "hybrid"}

    @property
    def default_optimiser(self) -> Mapping[str, Any]:
        return {"name": "adam", "rate": 1e-2, "decay": "tenth"}

    def hidden_bits(self, task: Any) -> int:
        """Bits of all hidden layers together, whatever the task."""
        return sum(sizes(self.layers))

    def summary(self) -> dict[str, str]:
        return {"layers": self.layers}

    def build(self, task: RowsOfValues, *, key: "Key") -> "TiedPair":
        from vestige.models.tied.build import build_pair_of_rows

        return build_pair_of_rows(
            task.visible,
            task.bias,
            task.train_labels,
            layers=self.layers,
            tie=self.tie.build(),
            scale=self.scale,
            shortcuts=self.shortcuts,
            key=key,
        )


@runtime_checkable
class LabelledVectors(Protocol):
    """What a task that provides "labels" gives to a model."""

    @property
    def train(self) -> "Float[Array, 'rows pixels']":
        """Images written as vectors."""
        ...

    @property
    def train_labels(self) -> "Float[Array, 'rows classes']":
        """Indicators."""
        ...


@dataclasses.dataclass(frozen=True)
class ClassifierSpec(ModelSpec):
    """A classifier of sigmoid layers, which can be read as a stochastic network of bits."""

    width: int = 100
    """Units of each hidden layer."""
    depth: int = 2
    """Hidden layers."""

    part: ClassVar[str] = "vestige.models.tied.classifier:sigmoid_classifier"
    needs: ClassVar[str] = "labels"
    provides: ClassVar[frozenset[str]] = frozenset({"objective"})
    subject: ClassVar[str] = "a classifier, read as a stochastic network"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "width", "depth")

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return {"name": "gradient", "clip": None}

    @property
    def default_optimiser(self) -> Mapping[str, Any]:
        return {"name": "adam", "rate": 3e-3, "decay": "tenth"}

    def suited(self, rule: Any) -> Any:
        return with_options(rule, clip=None)

    def summary(self) -> dict[str, str]:
        return {"layers": "-".join([str(self.width)] * self.depth)}

    def objective(self, task: Any) -> Any:
        """log of the probability of the label."""
        return load("vestige.models.tied.classifier:label_likelihood")

    def build(self, task: LabelledVectors, *, key: "Key") -> "eqx.nn.MLP":
        return self.make(task.train.shape[1], task.train_labels.shape[1], key=key)


TIED_MODELS = {"tied-pair": TiedPairSpec(), "tied-rows": TiedRowsSpec(), "classifier": ClassifierSpec()}
