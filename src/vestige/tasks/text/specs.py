"""Texts with a latent structure, as options; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

from vestige.checks import at_least, between
from vestige.data import EnglishEWT, ListOps, NamedData, Source
from vestige.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from vestige.data.expressions import ExpressionSet
    from vestige.data.treebank import Sentence
    from vestige.tasks.text.listops import NestedExpressions
    from vestige.tasks.text.parsing import DependencyParsing
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class ListOpsSpec(TaskSpec):
    """Nested list operations, `[MAX 2 [MIN 3 4 ] ]`: the value is to be found, and with it, unseen, the tree."""

    source: Literal["generated", "d20s"] = "generated"
    """generated: as many of each depth, without sum modulo 10. d20s: the published test set, 8,000 of it to train on
    and 1,000 to evaluate on, those that are not longer than `longest`."""
    depths: int = 5
    """The deepest that are generated."""
    longest: int = 49
    """Tokens of an expression, at most."""
    train: int = 20_000
    """Expressions of each depth that are generated to train on."""
    test: int = 2000
    """Likewise to evaluate on."""
    data_seed: int = 0
    """What is generated is a function of it, the same for every seed of a run."""

    provides: ClassVar[frozenset[str]] = frozenset({"labelled texts"})

    def __post_init__(self):
        super().__post_init__()
        between(self, 1, 20, "depths")
        between(self, 4, 2000, "longest")
        at_least(self, 1, "train", "test")
        at_least(self, 0, "data_seed")
        least = 4 + 3 * (self.depths - 1)  # an operator, a list or two digits, and a bracket for every level
        if self.source == "generated" and self.longest < least:
            raise ValueError(
                f"longest must be at least {least} for depths = {self.depths}, got {self.longest}: no expression is "
                "nested so deep and as short"
            )

    @property
    def metric(self) -> str:
        return "accuracy"

    def summary(self) -> dict[str, str]:
        return {"tokens": f"up to {self.longest}"}

    def sources(self) -> tuple[Source, ...]:
        if self.source == "generated":
            return ()
        return (NamedData("listops", ("d20s_small_train.tsv.gz", "d20s_small_test.tsv.gz")),)

    def build(self, *, seed: int) -> "NestedExpressions":
        from vestige.tasks.text.listops import Expressions, NestedExpressions

        train, test = self._expressions()
        return NestedExpressions(Expressions.of(train), Expressions.of(test))

    def dummy_build(self, *, key: "Key") -> "NestedExpressions":
        """Generated expressions, few, whatever the source."""
        few = dataclasses.replace(self, source="generated", train=20, test=20, depths=min(self.depths, 2))
        return few.build(seed=0)

    def _expressions(self) -> tuple["ExpressionSet", "ExpressionSet"]:
        from vestige.data.expressions import as_arrays
        from vestige.tasks.text.generator import generated

        if self.source == "generated":
            counts = (self.train, 0, self.test)
            made = generated(self.depths, counts, self.longest, ("[MAX", "[MED", "[MIN"), self.data_seed)
            return made.train, made.test
        data = ListOps()
        parts = ([e for e in data.load(part) if len(e.tokens) <= self.longest] for part in ("d20s-train", "d20s-test"))
        train, test = (as_arrays(part, self.longest) for part in parts)
        return train, test


@dataclasses.dataclass(frozen=True)
class ParseSpec(TaskSpec):
    """Sentences, of whose words the heads are to be found."""

    source: Literal["grammar", "ud-english-ewt"] = "grammar"
    """grammar: generated. ud-english-ewt: the English Web Treebank, its train part to learn from."""
    held_out: Literal["dev", "test"] = "test"
    """Which part of the treebank it is evaluated on."""
    longest: int = 64
    """Positions of a row, the root among them; sentences to train on that are longer are left out."""
    train: int | None = 2000
    """Sentences to train on, the first so many; None: all there are."""
    test: int | None = 500
    """Sentences to evaluate on, likewise."""
    labelled: float = 1.0
    """Part of the sentences to train on whose heads may be learned from, the first ones."""

    provides: ClassVar[frozenset[str]] = frozenset({"sentences"})

    def __post_init__(self):
        super().__post_init__()
        between(self, 3, 512, "longest")
        at_least(self, 1, "train", "test")
        between(self, 0.0, 1.0, "labelled")
        if self.source == "grammar" and (self.train is None or self.test is None):
            raise ValueError("train and test must be numbers where sentences are generated, got null")

    @property
    def metric(self) -> str:
        return "uas"

    def summary(self) -> dict[str, str]:
        return {"sentences": self.source, "with trees": f"{self.labelled:.0%}"}

    def sources(self) -> tuple[Source, ...]:
        if self.source == "grammar":
            return ()
        names = (f"en_ewt-ud-{part}.conllu.gz" for part in ("train", self.held_out))
        return (NamedData("ud_english_ewt", tuple(names)),)

    def build(self, *, seed: int) -> "DependencyParsing":
        from vestige.tasks.text.treebank_task import task_of

        train, test = self._sentences()
        return task_of(train, test, longest=self.longest, labelled=self.labelled)

    def dummy_build(self, *, key: "Key") -> "DependencyParsing":
        """Generated sentences, few, whatever the source."""
        return dataclasses.replace(self, source="grammar", train=40, test=20).build(seed=0)

    def _sentences(self) -> tuple["list[Sentence]", "list[Sentence]"]:
        if self.source == "grammar":
            from vestige.tasks.text.grammar import sentences

            assert self.train is not None and self.test is not None
            made = sentences(self.train + self.test, 0)
            return made[: self.train], made[self.train :]
        data = EnglishEWT()
        return data.load("train")[: self.train], data.load(self.held_out)[: self.test]


TEXT_TASKS = {"listops": ListOpsSpec(), "parse": ParseSpec()}
"""By the names of `--task`."""
