"""Models of texts of a known length, as options; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from vestige.checks import at_least
from vestige.estimators.specs import EstimatorSpec, LeaveOneOutSpec
from vestige.models.structured.specs import ObjectiveModelSpec, check_defined
from vestige.spec import load
from vestige.structures.specs import BinaryTreeSpec

if TYPE_CHECKING:
    from vestige.models.structured.language import LeftToRight
    from vestige.models.structured.language_tree import TreeLanguageModel
    from vestige.typing import Key


@runtime_checkable
class TokenSequences(Protocol):
    """What a task that provides "token sequences" gives to a model."""

    @property
    def tokens(self) -> int:
        """How many kinds of tokens there are."""
        ...

    @property
    def longest(self) -> int:
        """Positions a row."""
        ...


@dataclasses.dataclass(frozen=True)
class LanguageModelSpec(ObjectiveModelSpec):
    """A distribution over texts whose length is known."""

    needs: ClassVar[str] = "token sequences"
    adam_options: ClassVar[Mapping[str, Any]] = {"rate": 0.003}


@dataclasses.dataclass(frozen=True)
class TreeLanguageModelSpec(LanguageModelSpec):
    """Tokens are generated along a latent binary tree, root first (Struminsky et al. 2021)."""

    width: int = 64
    """Of the states of the decoder."""
    encoder: int = 24
    """Width of the LSTMs that see the text, in each direction."""
    prior: Literal["learned", "equal"] = "learned"
    """The log-rates of the tree before the text is seen. learned: by distance from start and end. equal: all alike."""
    divergence: Literal["trace", "times"] = "trace"
    """Of which variables KL is trained: of the tree, or of all arrival times, which is never less."""
    estimator: EstimatorSpec = dataclasses.field(default=LeaveOneOutSpec(4))

    subject: ClassVar[str] = "a language model whose order of generation is a latent binary tree"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "width", "encoder")

    def check(self, task: Any) -> None:
        check_defined(self.estimator, BinaryTreeSpec())

    def summary(self) -> dict[str, str]:
        return {"order": "latent tree"}

    def objective(self, task: TokenSequences) -> Any:
        """The evidence lower bound, by position of a row."""
        from vestige.models.structured.objective import StructureBound

        return StructureBound(self.divergence, per=float(task.longest))

    def build(self, task: TokenSequences, *, key: "Key") -> "TreeLanguageModel":
        import jax

        from vestige.models.structured.language_decoder import TreeDecoder
        from vestige.models.structured.language_tree import TreeEncoder, TreeLanguageModel, TreePrior

        keys = jax.random.split(key, 3)
        return TreeLanguageModel(
            TreeEncoder(task.tokens, self.encoder, key=keys[0]),
            TreeDecoder(task.tokens, task.longest, self.width, key=keys[1]),
            TreePrior(task.longest) if self.prior == "learned" else None,
            self.estimator.build(task.longest, key=keys[2]),
        )

    @classmethod
    def examples(cls):
        return (cls(8, 4), cls(8, 4, "equal", "times"))


@dataclasses.dataclass(frozen=True)
class LeftToRightSpec(LanguageModelSpec):
    """An LSTM that predicts every token from those before it."""

    width: int | None = None
    """Of all layers. None: such that it has about as many parameters as `tree-language-model` with its defaults, the
    encoder included."""

    subject: ClassVar[str] = "a language model that generates from left to right"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "width")

    def summary(self) -> dict[str, str]:
        return {"order": "left to right"}

    def objective(self, task: TokenSequences) -> Any:
        """The log-probability, by position of a row."""
        return load("vestige.models.structured.language:objective")

    def build(self, task: TokenSequences, *, key: "Key") -> "LeftToRight":
        from vestige.models.structured.language import LeftToRight

        width = self.width
        if width is None:
            width = _width_of(parameters(TreeLanguageModelSpec(), task), task)
        return LeftToRight(task.tokens, task.longest, width, key=key)


def parameters(spec: LanguageModelSpec, task: TokenSequences) -> int:
    """How many numbers a model has that are trained, without those of its estimator.

    **Arguments:**

    - `spec`: of the model.
    - `task`: what it is built for.
    """
    import math

    import equinox as eqx
    import jax

    model = eqx.filter_eval_shape(lambda key: spec.build(task, key=key), jax.random.key(0))
    kept = {name: part for name, part in vars(model).items() if name != "estimator"}
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(kept) if isinstance(leaf, jax.ShapeDtypeStruct))


def _width_of(count: int, task: TokenSequences) -> int:
    """The width at which `LeftToRight` has about `count` parameters: 8 w² + (2 tokens + 2 longest + 5) w + tokens."""
    import math

    per_unit = 2 * task.tokens + 2 * task.longest + 5
    return max(1, round((math.sqrt(per_unit**2 + 32 * max(count - task.tokens, 0)) - per_unit) / 16))


LANGUAGE_MODELS = {"tree-language-model": TreeLanguageModelSpec(), "left-to-right": LeftToRightSpec()}
"""By the names of `--model`."""
