"""The memories by name, and what may be set of each; nothing here imports JAX."""

import abc
import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from vestige.checks import WIDTH, at_least, positive
from vestige.registries import Registry
from vestige.spec import Spec, load

if TYPE_CHECKING:
    from vestige.memory.contract import AbstractMemory
    from vestige.typing import Key


class MemorySpec(Spec):
    """The options of an external memory."""

    contract: ClassVar[str] = "memory"
    largest: ClassVar[int] = WIDTH
    keeps: ClassVar[bool] = True
    """Whether anything is stored; what stores nothing makes no remembering cell."""
    pattern: Any = "latent"
    """What else a generative model's transition and decoder see: nothing (latent), or frame and context (full)."""

    @abc.abstractmethod
    def build(self, latent_size: int, controller_size: int, *, frames: int, key: "Key") -> "AbstractMemory[Any]":
        """The memory.

        **Arguments:**

        - `latent_size`, `controller_size`: widths of what is written and of the controller's output.
        - `frames`: how many steps of a sequence are worth keeping; the slots of a memory that has no number of its own.
        - `key`: for its initial parameters.

        **Returns:** a memory for latents of shape (latent_size,) and controllers' outputs of shape (controller_size,).

        **Raises:** `ValueError` for sizes that do not fit.
        """


@dataclasses.dataclass(frozen=True)
class IntrospectionSpec(MemorySpec):
    """First-in-first-out buffer of latents, read by position."""

    heads: int = 1
    """Number of independent reads."""
    slots: int | None = None
    """How many latents are kept; by default as many as a sequence has frames."""
    weighting: Literal["softmax", "softplus-norm", "sigmoid-norm"] = "softmax"
    """How attention logits become weights."""
    scalar_gate: bool = False
    """One gate per head instead of one per head and latent dimension."""
    include_controller_state: bool = False
    """Append the controller's output to the context (the paper does not)."""
    detach: bool = False
    """No gradient through stored latents (ablation)."""

    part: ClassVar[str] = "vestige.memory.introspection:Introspection"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "heads", "slots")

    def build(self, latent_size: int, controller_size: int, *, frames: int, key: "Key") -> "AbstractMemory[Any]":
        names = {"softmax": "Softmax", "softplus-norm": "SoftplusNorm", "sigmoid-norm": "SigmoidNorm"}
        weighting = load(f"vestige.memory.weighting:{names[self.weighting]}")()
        return self.make(latent_size, controller_size, slots=self.slots or frames, weighting=weighting, key=key)


@dataclasses.dataclass(frozen=True)
class NoMemorySpec(MemorySpec):
    """The controller's state is all there is: a VRNN."""

    pattern: Literal["latent", "full"] = "latent"
    """latent: only latents enter transition and decoder (the fair ablation); full: as Chung et al. 2015."""

    part: ClassVar[str] = "vestige.memory.no_memory:NoMemory"
    keeps: ClassVar[bool] = False

    def build(self, latent_size: int, controller_size: int, *, frames: int, key: "Key") -> "AbstractMemory[Any]":
        return load(self.part)(controller_size)


@dataclasses.dataclass(frozen=True)
class AbstractWordsSpec(MemorySpec):
    """A memory of words with several read heads."""

    heads: int = 2
    """Number of read heads."""
    slots: int | None = None
    """How many words there are; by default as many as a sequence has frames (LRU: for each head, since each writes)."""
    word_size: int | None = None
    """Numbers per word; by default twice the latent's."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "heads", "slots", "word_size")

    def build(self, latent_size: int, controller_size: int, *, frames: int, key: "Key") -> "AbstractMemory[Any]":
        sizes = {"slots": self.slots or frames, "word_size": self.word_size or 2 * latent_size}
        return self.make(latent_size, controller_size, **sizes, key=key)


@dataclasses.dataclass(frozen=True)
class NTMSpec(AbstractWordsSpec):
    """Neural Turing machine: words addressed by content and by shifting."""

    max_shift: int = 1
    """Slots by which an address may shift at once, either way."""

    part: ClassVar[str] = "vestige.memory.ntm:NTM"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "max_shift")


@dataclasses.dataclass(frozen=True)
class LRUSpec(AbstractWordsSpec):
    """Least recently used access: words addressed by content, written where little was used."""

    strength: bool = True
    """Let the controller sharpen its keys (the original does not)."""
    decay: float = 0.95
    """How much of the usage is left after a step."""

    part: ClassVar[str] = "vestige.memory.lru:LRU"

    def __post_init__(self):
        super().__post_init__()
        positive(self, "decay")
        if self.slots is not None and self.slots < self.heads:
            raise ValueError(f"every head needs a slot of its own, got heads={self.heads} and slots={self.slots}")

    def build(self, latent_size: int, controller_size: int, *, frames: int, key: "Key") -> "AbstractMemory[Any]":
        return super().build(latent_size, controller_size, frames=self.heads * frames, key=key)


@dataclasses.dataclass(frozen=True)
class DNCSpec(AbstractWordsSpec):
    """Differentiable neural computer: content, allocation of free words, links in the order of writing."""

    part: ClassVar[str] = "vestige.memory.dnc:DNC"


@dataclasses.dataclass(frozen=True)
class AttentionSpec(MemorySpec):
    """Attention over all stored latents, by position, by content and by what came before."""

    heads: int = 2
    """Number of read heads."""
    slots: int | None = None
    """How many latents are kept; by default as many as a sequence has frames."""
    key_size: int = 32
    """Numbers per key and head."""
    include_controller_state: bool = True
    """Append the controller's output to the context."""

    part: ClassVar[str] = "vestige.memory.attention:Attention"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "heads", "slots", "key_size")

    def build(self, latent_size: int, controller_size: int, *, frames: int, key: "Key") -> "AbstractMemory[Any]":
        return self.make(latent_size, controller_size, slots=self.slots or frames, key=key)


MEMORIES: Registry[MemorySpec] = Registry(
    "memory",
    MemorySpec,
    {
        "introspection": IntrospectionSpec(),
        "none": NoMemorySpec(),
        "vrnn": NoMemorySpec(pattern="full"),
        "ntm": NTMSpec(),
        "lru": LRUSpec(),
        "dnc": DNCSpec(),
        "attention": AttentionSpec(),
    },
)
"""What `--memory NAME` stands for; its own options follow as `--memory.OPTION`."""
