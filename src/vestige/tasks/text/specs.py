"""Texts with a latent structure, as options; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

from vestige.checks import at_least, between
from vestige.data import EnglishEWT, ListOps, MovieRationales, NamedData, SentimentTreebank, Source
from vestige.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from vestige.data.expressions import ExpressionSet
    from vestige.data.opinions import Opinion
    from vestige.data.treebank import Sentence
    from vestige.tasks.text.explaining import Explaining
    from vestige.tasks.text.listops import NestedExpressions
    from vestige.tasks.text.parentheses import Parentheses
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
    held_out: Literal["test", "valid"] = "test"
    """d20s: the part of the data to evaluate on; valid is for choosing settings."""

    provides: ClassVar[frozenset[str]] = frozenset({"labelled texts"})

    def __post_init__(self):
        super().__post_init__()
        between(self, 1, 20, "depths")
        between(self, 4, 2000, "longest")
        at_least(self, 1, "train", "test")
        at_least(self, 0, "data_seed")
        if self.source == "generated" and self.held_out != "test":
            raise ValueError("held_out is for the published data; generated expressions have no part 'valid', use test")
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
        return (NamedData("listops", ("d20s_small_train.tsv.gz", f"d20s_small_{self.held_out}.tsv.gz")),)

    def for_choosing(self) -> "ListOpsSpec | None":
        return None if self.source == "generated" else dataclasses.replace(self, held_out="valid")

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
        names = ("d20s-train", f"d20s-{self.held_out}")
        parts = ([e for e in data.load(part) if len(e.tokens) <= self.longest] for part in names)
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
    labelled_share: float | None = None
    """Part of the rows of a batch that have trees, where some have none. None: all rows are equally likely."""

    provides: ClassVar[frozenset[str]] = frozenset({"sentences"})

    def __post_init__(self):
        super().__post_init__()
        between(self, 3, 512, "longest")
        at_least(self, 1, "train", "test")
        between(self, 0.0, 1.0, "labelled", "labelled_share")
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

    def for_choosing(self) -> "ParseSpec | None":
        return None if self.source == "grammar" else dataclasses.replace(self, held_out="dev")

    def build(self, *, seed: int) -> "DependencyParsing":
        from vestige.tasks.text.treebank_task import task_of

        train, test = self._sentences()
        return task_of(train, test, longest=self.longest, labelled=self.labelled, labelled_share=self.labelled_share)

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


@dataclasses.dataclass(frozen=True)
class ExplainSpec(TaskSpec):
    """Texts with an opinion, of which k words are read; people marked which words say it."""

    source: Literal["planted", "movie-rationales", "sst"] = "planted"
    """planted: generated, with a few words that tell. movie-rationales: film reviews with marked passages, cut to their
    first words. sst: sentences, of which those words are marked that alone are of the same opinion."""
    k: int = 3
    """How many words are read."""
    longest: int = 24
    """Words of a text; longer ones are cut."""
    least: int = 2
    """How often a word occurs in training that has a number of its own."""
    least_texts: int = 1
    """In how many texts, before they are cut, it must occur. Names occur in few, and give away the opinion of the one
    film they belong to."""
    train: int | None = 2000
    """Texts to train on, the first so many; None: all there are."""
    test: int | None = 500
    """Texts to evaluate on, likewise."""
    phrases: int | None = None
    """sst: train also on the phrases inside sentences that have at least so many words, each with its own opinion.
    None: on sentences alone."""
    passages: int | None = None
    """movie-rationales: train on passages of at most so many words, the reviews cut into even parts, each with the
    opinion of its review. None: on the first words of the reviews."""
    held_out: Literal["test", "valid"] = "test"
    """The part of the data to evaluate on. test, of film reviews: marked exhaustively; valid: for choosing settings."""

    provides: ClassVar[frozenset[str]] = frozenset({"marked texts"})

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "k", "least", "least_texts", "train", "test")
        between(self, 8, 2000, "longest")
        if self.k > self.longest:
            raise ValueError(f"k must be at most longest = {self.longest}, the words of a text; got {self.k}")
        if self.phrases is not None and (self.source != "sst" or self.phrases < 2):
            raise ValueError(
                f"phrases is for the source sst, and at least 2, since the words alone are what people marked; got "
                f"phrases={self.phrases} for {self.source}"
            )
        if self.passages is not None and (self.source != "movie-rationales" or self.passages < 2 * self.k):
            raise ValueError(
                f"passages is for the source movie-rationales, and at least 2 k = {2 * self.k}, so that k words can be "
                f"chosen of each; got passages={self.passages} for {self.source}"
            )
        if self.source == "planted" and self.held_out != "test":
            raise ValueError("held_out is for texts of people; planted ones have no part 'valid', use test")
        if self.source == "planted" and (self.train is None or self.test is None or self.k > 8):
            raise ValueError(
                "planted texts: train and test must be numbers, and k at most 8, the words of the shortest"
            )

    @property
    def metric(self) -> str:
        return "subset_precision"

    def summary(self) -> dict[str, str]:
        return {"texts": self.source, "words read": str(self.k)}

    def sources(self) -> tuple[Source, ...]:
        names = {
            "movie-rationales": ("movie_rationales", ("movies_train.jsonl.gz", f"movies_{self.held_out}.jsonl.gz")),
            "sst": ("sst", ("train.txt.gz", "dev.txt.gz" if self.held_out == "valid" else "test.txt.gz")),
        }
        return () if self.source == "planted" else (NamedData(*names[self.source]),)

    def for_choosing(self) -> "ExplainSpec | None":
        return None if self.source == "planted" else dataclasses.replace(self, held_out="valid")

    def build(self, *, seed: int) -> "Explaining":
        from vestige.tasks.text.explaining import Explaining, Opinions, WordList
        from vestige.tasks.text.opinion_rows import rarities, rows_of, shortened, vocabulary

        train, test, whole = self._texts()
        (train, fewer), (test, fewer_test) = (shortened(part, longest=self.longest, k=self.k) for part in (train, test))
        if not train or not test:
            raise ValueError(f"explain: no text has k = {self.k} words; lower k")
        numbers = vocabulary(train, least=self.least, spread=(whole, self.least_texts))
        rarity = rarities(shortened(whole, longest=self.longest, k=self.k)[0])
        widths = self.passages or self.longest, self.longest
        made = [
            Opinions.of(rows_of(texts, numbers, rarity, longest=width, k=self.k))
            for texts, width in zip((train, test), widths, strict=True)
        ]
        written = WordList(tuple(text.words for text in test), self.longest)
        return Explaining(made[0], made[1], len(numbers) + 2, self.k, (fewer, fewer_test), written)

    def dummy_build(self, *, key: "Key") -> "Explaining":
        """Planted texts, few, whatever the source."""
        k = min(self.k, 8)
        small = {"longest": 24, "train": 40, "test": 20, "least_texts": 1, "phrases": None, "passages": None}
        return dataclasses.replace(self, source="planted", k=k, held_out="test", **small).build(seed=0)

    def _texts(self) -> tuple["list[Opinion]", "list[Opinion]", "list[Opinion]"]:
        """To train and to evaluate on, and those to train on as wholes, from which frequencies of words are."""
        if self.source == "planted":
            from vestige.tasks.text.opinion_rows import planted

            assert self.train is not None and self.test is not None
            made = planted(self.train + self.test, self.longest, 0)
            return made[: self.train], made[self.train :], made[: self.train]
        from vestige.tasks.text.opinion_rows import passages_of

        data = MovieRationales() if self.source == "movie-rationales" else SentimentTreebank()
        whole, test = data.load("train")[: self.train], data.load(self.held_out)[: self.test]
        if self.passages is not None:
            return passages_of(whole, self.passages), test, whole
        if not isinstance(data, SentimentTreebank) or self.phrases is None:
            return whole, test, whole
        return data.load("train", phrases=self.phrases)[: self.train], test, whole


@dataclasses.dataclass(frozen=True)
class ParenthesesSpec(TaskSpec):
    """Balanced words of brackets, all of a length equally likely; the length is known, and no token ends a word."""

    pairs: int = 5
    """Pairs of brackets in a word, at most."""
    shortest: int | None = None
    """The fewest pairs, every number from there on equally likely; None: all words have `pairs`."""
    kinds: int = 1
    """Kinds of brackets; those of pairs are independent."""

    provides: ClassVar[frozenset[str]] = frozenset({"token sequences"})

    def __post_init__(self):
        super().__post_init__()
        between(self, 1, 200, "pairs")
        between(self, 1, 100, "kinds")
        between(self, 1, self.pairs, "shortest")

    @property
    def metric(self) -> str:
        return "perplexity"

    def summary(self) -> dict[str, str]:
        return {"pairs": str(self.pairs) if self.shortest is None else f"{self.shortest} to {self.pairs}"}

    def build(self, *, seed: int) -> "Parentheses":
        from vestige.tasks.text.parentheses import Parentheses

        return Parentheses(self.pairs, self.shortest or self.pairs, self.kinds)

    @classmethod
    def examples(cls):
        return (cls(2), cls(3, 1, 2))


TEXT_TASKS = {
    "listops": ListOpsSpec(),
    "parse": ParseSpec(),
    "explain": ExplainSpec(),
    "parentheses": ParenthesesSpec(),
}
"""By the names of `--task`."""
