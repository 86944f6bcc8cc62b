"""The memories that a generative temporal model may have, as options."""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from vestige.experiments.checks import at_least, positive

Maker = Callable[..., Any]
"""A memory, still to be called with `(latent_size, controller_size, key=key)`."""


@dataclasses.dataclass(frozen=True)
class Introspection:
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

    pattern: ClassVar[str] = "latent"

    def __post_init__(self):
        at_least(self, 1, "heads", "slots")

    def maker(self, frames: int) -> Maker:
        """The memory, for sequences of so many frames."""
        from vestige import memory

        weightings = {
            "softmax": memory.Softmax,
            "softplus-norm": memory.SoftplusNorm,
            "sigmoid-norm": memory.SigmoidNorm,
        }

        def make(latent_size, controller_size, *, key):
            return memory.Introspection(
                latent_size,
                controller_size,
                slots=self.slots or frames,
                heads=self.heads,
                weighting=weightings[self.weighting](),
                scalar_gate=self.scalar_gate,
                include_controller_state=self.include_controller_state,
                detach=self.detach,
                key=key,
            )

        return make


@dataclasses.dataclass(frozen=True)
class NoMemory:
    """The controller's state is all there is: a VRNN."""

    pattern: Literal["latent", "full"] = "latent"
    """latent: only latents enter transition and decoder (the fair ablation); full: as Chung et al. 2015."""

    def maker(self, frames: int) -> Maker:
        """The absence of a memory."""
        from vestige.memory import NoMemory

        return lambda latent_size, controller_size, *, key: NoMemory(controller_size)


@dataclasses.dataclass(frozen=True)
class NTM:
    """Neural Turing machine: words addressed by content and by shifting."""

    heads: int = 2
    """Number of read heads."""
    slots: int | None = None
    """How many words there are; by default as many as a sequence has frames."""
    word: int | None = None
    """Numbers per word; by default twice the latent's."""
    reach: int = 1
    """Slots by which an address may shift at once, either way."""

    pattern: ClassVar[str] = "latent"

    def __post_init__(self):
        at_least(self, 1, "heads", "slots", "word", "reach")

    def maker(self, frames: int) -> Maker:
        """The memory, for sequences of so many frames."""
        from vestige.memory import NTM

        return lambda latent_size, controller_size, *, key: NTM(
            latent_size,
            controller_size,
            slots=self.slots or frames,
            word_size=self.word or 2 * latent_size,
            heads=self.heads,
            max_shift=self.reach,
            key=key,
        )


@dataclasses.dataclass(frozen=True)
class LRU:
    """Least recently used access: words addressed by content, written where little was used."""

    heads: int = 2
    """Number of read heads."""
    slots: int | None = None
    """How many words there are; by default as many as a sequence has frames for each head: every head writes."""
    word: int | None = None
    """Numbers per word; by default twice the latent's."""
    strength: bool = True
    """Let the controller sharpen its keys (the original does not)."""
    decay: float = 0.95
    """How much of the usage is left after a step."""

    pattern: ClassVar[str] = "latent"

    def __post_init__(self):
        at_least(self, 1, "heads", "slots", "word")
        positive(self, "decay")
        if self.slots is not None and self.slots < self.heads:
            raise ValueError(f"every head needs a slot of its own, got heads={self.heads} and slots={self.slots}")

    def maker(self, frames: int) -> Maker:
        """The memory, for sequences of so many frames."""
        from vestige.memory import LRU

        return lambda latent_size, controller_size, *, key: LRU(
            latent_size,
            controller_size,
            slots=self.slots or self.heads * frames,
            word_size=self.word or 2 * latent_size,
            heads=self.heads,
            strength=self.strength,
            decay=self.decay,
            key=key,
        )


@dataclasses.dataclass(frozen=True)
class DNC:
    """Differentiable neural computer: content, allocation of free words, links in the order of writing."""

    heads: int = 2
    """Number of read heads."""
    slots: int | None = None
    """How many words there are; by default as many as a sequence has frames."""
    word: int | None = None
    """Numbers per word; by default twice the latent's."""

    pattern: ClassVar[str] = "latent"

    def __post_init__(self):
        at_least(self, 1, "heads", "slots", "word")

    def maker(self, frames: int) -> Maker:
        """The memory, for sequences of so many frames."""
        from vestige.memory import DNC

        return lambda latent_size, controller_size, *, key: DNC(
            latent_size,
            controller_size,
            slots=self.slots or frames,
            word_size=self.word or 2 * latent_size,
            heads=self.heads,
            key=key,
        )


@dataclasses.dataclass(frozen=True)
class Attention:
    """Attention over all stored latents, by position, by content and by what came before."""

    heads: int = 2
    """Number of read heads."""
    slots: int | None = None
    """How many latents are kept; by default as many as a sequence has frames."""
    key: int = 32
    """Numbers per key and head."""
    include_controller_state: bool = True
    """Append the controller's output to the context."""

    pattern: ClassVar[str] = "latent"

    def __post_init__(self):
        at_least(self, 1, "heads", "slots", "key")

    def maker(self, frames: int) -> Maker:
        """The memory, for sequences of so many frames."""
        from vestige.memory import Attention

        return lambda latent_size, controller_size, *, key: Attention(
            latent_size,
            controller_size,
            slots=self.slots or frames,
            heads=self.heads,
            key_size=self.key,
            include_controller_state=self.include_controller_state,
            key=key,
        )


Memory = Introspection | NoMemory | NTM | LRU | DNC | Attention

MEMORIES: dict[str, Memory] = {
    "introspection": Introspection(),
    "none": NoMemory(),
    "vrnn": NoMemory(pattern="full"),
    "ntm": NTM(),
    "lru": LRU(),
    "dnc": DNC(),
    "attention": Attention(),
}
"""What `--memory NAME` stands for; its own options follow as `--memory.OPTION`."""

COMPARED = ("none", "introspection", "ntm", "lru", "dnc", "attention")
"""Those of the published tables, and attention."""
