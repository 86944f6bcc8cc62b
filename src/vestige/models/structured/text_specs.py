"""Models of texts with a latent structure, as options; nothing here imports JAX."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from vestige.checks import at_least, between
from vestige.estimators.specs import EstimatorSpec, LeaveOneOutSpec
from vestige.models.structured.specs import ObjectiveModelSpec, check_defined
from vestige.spec import load
from vestige.structures.specs import ArborescenceSpec, CategoricalSpec, SpanningTreeSpec, StructureSpec, SubsetSpec

if TYPE_CHECKING:
    from vestige.models.structured.text_classifiers import AbstractTextClassifier
    from vestige.typing import Key

Arcs = Literal["arborescence", "spanning-tree", "independent"]


@runtime_checkable
class Labelled(Protocol):
    """What a task that provides "labelled texts" gives to a model."""

    @property
    def kinds(self) -> int:
        """How many tokens there are."""
        ...

    @property
    def classes(self) -> int:
        """How many labels."""
        ...

    @property
    def longest(self) -> int:
        """Tokens a row."""
        ...


@dataclasses.dataclass(frozen=True)
class TextClassifierSpec(ObjectiveModelSpec):
    """A classifier of texts."""

    width: int = 60
    """Of all layers."""
    dropout: float = 0.1
    """In training."""

    needs: ClassVar[str] = "labelled texts"
    subject: ClassVar[str] = "a classifier of texts"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "width")
        between(self, 0.0, 1.0, "dropout", open_end=True)

    def objective(self, task: Any) -> Any:
        """What the rule `gradient` maximises.

        **Arguments:**

        - `task`: on which the model is trained.

        **Returns:** the cross entropy of one text, negated, as an `Objective`.
        """
        return load("vestige.models.structured.text_classifiers:objective")

    @abc.abstractmethod
    def build(self, task: Labelled, *, key: "Key") -> "AbstractTextClassifier": ...


@dataclasses.dataclass(frozen=True)
class RecurrentClassifierSpec(TextClassifierSpec):
    """An LSTM from left to right and a classifier of its last state: no latent structure."""

    def build(self, task: Labelled, *, key: "Key") -> "AbstractTextClassifier":
        from vestige.models.structured.text_classifiers import RecurrentClassifier

        return RecurrentClassifier(task.kinds, task.classes, self.width, self.dropout, key=key)


@dataclasses.dataclass(frozen=True)
class AbstractMessagesSpec(TextClassifierSpec):
    """Messages along arcs between tokens; the first token is classified."""

    rounds: int = 5
    """How often messages are sent."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "rounds")

    def classifier(self, task: Labelled, *, one_head: bool, key: "Key") -> Any:
        """The classifier along arcs that are given to it.

        **Arguments:**

        - `task`: the built task.
        - `one_head`: whether every token has one head and arcs are zeros and ones.
        - `key`: for its initial parameters.

        **Returns:** a `MessageClassifier`.
        """
        make = load("vestige.models.structured.text_messages:MessageClassifier")
        return make(task.kinds, self.width, task.classes, self.rounds, self.dropout, one_head=one_head, key=key)


@dataclasses.dataclass(frozen=True)
class GivenArcsSpec(AbstractMessagesSpec):
    """Messages along the true arcs: what could be reached if they were known."""

    def build(self, task: Labelled, *, key: "Key") -> "AbstractTextClassifier":
        from vestige.models.structured.text_classifiers import GivenArcs

        return GivenArcs(self.classifier(task, one_head=True, key=key))


@dataclasses.dataclass(frozen=True)
class LatentArcsSpec(AbstractMessagesSpec):
    """Arcs are drawn, from scores by two LSTMs, and messages go along them (Struminsky et al. 2021)."""

    arcs: Arcs = "arborescence"
    """arborescence: from the first token. spanning-tree: undirected, messages go both ways. independent: each arc by
    itself."""
    estimator: EstimatorSpec = dataclasses.field(default=LeaveOneOutSpec(5))
    exploration: float = 0.0
    """Weight of the entropy of the heads, maximised beside; the optimiser two-rates lets it fall to zero."""

    subject: ClassVar[str] = "a classifier of texts along latent arcs"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 0.0, "exploration")

    @property
    def structure(self) -> StructureSpec:
        """What is drawn, for what an estimator may do with it."""
        kinds = {"arborescence": ArborescenceSpec, "spanning-tree": SpanningTreeSpec, "independent": IndependentSpec}
        return kinds[self.arcs]()

    def check(self, task: Any) -> None:
        check_defined(self.estimator, self.structure)

    def summary(self) -> dict[str, str]:
        return {"arcs": self.arcs}

    def build(self, task: Labelled, *, key: "Key") -> "AbstractTextClassifier":
        import jax
        import jax.numpy as jnp

        from vestige.models.structured.text_arcs import ARCS
        from vestige.models.structured.text_classifiers import LatentArcs
        from vestige.models.structured.text_scorer import ArcScorer

        key_scores, key_classes, key_critic = jax.random.split(key, 3)
        arcs = ARCS[self.arcs]
        hard = arcs.one_head and not self.estimator.biased
        return LatentArcs(
            ArcScorer(task.kinds, self.width, self.dropout, key=key_scores),
            self.classifier(task, one_head=hard, key=key_classes),
            self.estimator.build(arcs.keys(task.longest), key=key_critic),
            arcs,
            jnp.array(self.exploration),
        )


@dataclasses.dataclass(frozen=True)
class IndependentSpec(CategoricalSpec):
    """Choices of two options each, for what an estimator may do with them."""

    part: ClassVar[str] = "vestige.structures:Choices"
    provides: ClassVar[frozenset[str]] = frozenset({"relaxation"})
    summary: ClassVar[str] = "every arc by itself"


@runtime_checkable
class Treebank(Protocol):
    """What a task that provides "sentences" gives to a model."""

    @property
    def sizes(self) -> Any:
        """How many numbers there are for words, endings and tags."""
        ...

    @property
    def keys(self) -> int:
        """Log-rates of a row."""
        ...

    @property
    def unknown(self) -> int:
        """The number of a word that is not known."""
        ...

    @property
    def all_known(self) -> bool:
        """Whether all sentences to train on have trees."""
        ...


@runtime_checkable
class TreebankOptions(Protocol):
    """What the options of a task that provides "sentences" say of it."""

    @property
    def labelled(self) -> float:
        """Part of the sentences to train on whose heads may be learned from."""
        ...


@dataclasses.dataclass(frozen=True)
class DependencyParserSpec(ObjectiveModelSpec):
    """LSTMs in both directions and a biaffine score of every arc; an arborescence over the words."""

    width: int = 128
    """Of the LSTMs, in each direction, and of a word."""
    arcs: int = 128
    """Width of the views of a word as head and as dependent."""
    use_tags: bool = True
    """Whether it is given the tags of the words."""
    dropout: float = 0.33
    """In training."""
    word_dropout: float = 0.2
    """How many words become unknown ones in training."""
    estimator: EstimatorSpec = dataclasses.field(default=LeaveOneOutSpec(4))
    """Of the gradient for sentences without trees."""
    unlabelled: float = 0.1
    """Weight of sentences without trees, where some have none."""
    entropy: float = 0.0
    """Weight of log q(T) in their cost. 0: expected reconstruction alone; 1: an evidence bound, all trees equally
    likely before, under which unlabelled sentences undo what trees teach."""

    needs: ClassVar[str] = "sentences"
    subject: ClassVar[str] = "a dependency parser"
    rule_options: ClassVar[Mapping[str, Any]] = {"clip": 5.0}
    adam_options: ClassVar[Mapping[str, Any]] = {"rate": 0.002}

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "width")
        at_least(self, 1, "arcs")
        at_least(self, 0.0, "unlabelled", "entropy")
        between(self, 0.0, 1.0, "dropout", "word_dropout", open_end=True)

    def check(self, task: TreebankOptions) -> None:
        check_defined(self.estimator, ArborescenceSpec())
        if task.labelled < 1.0 and self.estimator.biased:
            raise ValueError(
                "estimator: sentences without trees need the trace of a draw, which a relaxation has not; choose "
                "leave-one-out, or labelled 1.0"
            )

    def summary(self) -> dict[str, str]:
        return {"tags": "given" if self.use_tags else "not given"}

    def objective(self, task: Any) -> Any:
        """The log-probability of the trees, and the bound of sentences without."""
        return load("vestige.models.structured.text_parser:objective")

    def build(self, task: Treebank, *, key: "Key") -> Any:
        import jax

        from vestige.models.structured.text_parser import DependencyParser

        key_parser, key_critic = jax.random.split(key)
        latent = self.unlabelled > 0 and not task.all_known
        return DependencyParser(
            task.sizes,
            width=self.width,
            arcs=self.arcs,
            use_tags=self.use_tags,
            dropout=self.dropout,
            word_dropout=self.word_dropout,
            estimator=self.estimator.build(task.keys, key=key_critic) if latent else None,
            unlabelled=self.unlabelled,
            entropy=self.entropy,
            unknown=task.unknown,
            key=key_parser,
        )


@runtime_checkable
class MarkedTexts(Labelled, Protocol):
    """What a task that provides "marked texts" gives to a model."""

    @property
    def k(self) -> int:
        """How many words are read."""
        ...


@dataclasses.dataclass(frozen=True)
class ExplainerSpec(ObjectiveModelSpec):
    """k words are drawn, by a network that sees the text, for a classifier that sees nothing else."""

    selector: Literal["simple", "complex"] = "simple"
    """simple: one convolution. complex: local ones beside the whole text (L2X)."""
    width: int = 50
    """Of all layers."""
    estimator: EstimatorSpec = dataclasses.field(default=LeaveOneOutSpec(4))
    exploration: float = 0.0
    """Weight of the entropy of the first word drawn, maximised beside; the optimiser two-rates lets it fall to zero."""

    needs: ClassVar[str] = "marked texts"
    subject: ClassVar[str] = "a classifier that reads k words of a text"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "width")
        at_least(self, 0.0, "exploration")

    def check(self, task: Any) -> None:
        check_defined(self.estimator, SubsetSpec())

    def summary(self) -> dict[str, str]:
        return {"explainer": self.selector}

    def objective(self, task: Any) -> Any:
        """The expected cross entropy, negated."""
        return load("vestige.models.structured.text_explainer:objective")

    def build(self, task: MarkedTexts, *, key: "Key") -> Any:
        import jax

        from vestige.models.structured.text_explainer import ComplexSelector, Explainer, SimpleSelector

        keys = jax.random.split(key, 3)
        selector = {"simple": SimpleSelector, "complex": ComplexSelector}[self.selector]
        estimator = self.estimator.build(task.longest, key=keys[2])
        made = selector(task.kinds, self.width, key=keys[0])
        sizes = task.kinds, task.classes, self.width, task.k
        return Explainer(made, *sizes, estimator, self.exploration, key=keys[1])


TEXT_MODELS = {
    "latent-arcs": LatentArcsSpec(),
    "given-arcs": GivenArcsSpec(),
    "recurrent-classifier": RecurrentClassifierSpec(),
    "dependency-parser": DependencyParserSpec(),
    "explainer": ExplainerSpec(),
}
"""By the names of `--model`."""
