"""The memories that a recall model may have, as options."""

import dataclasses
from typing import Any, ClassVar, Literal

from vestige.experiments.checks import at_least


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

    def maker(self, frames: int) -> Any:
        """The memory, still to be called with `(latent_size, controller_size, key=key)`."""
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

    def maker(self, frames: int) -> Any:
        """The absence of a memory, still to be called with `(latent_size, controller_size, key=key)`."""
        from vestige.memory import NoMemory

        return lambda latent_size, controller_size, *, key: NoMemory(controller_size)


Memory = Introspection | NoMemory

MEMORIES: dict[str, Memory] = {
    "introspection": Introspection(),
    "none": NoMemory(),
    "vrnn": NoMemory(pattern="full"),
}
"""What `--memory NAME` stands for; its own options follow as `--memory.OPTION`."""
