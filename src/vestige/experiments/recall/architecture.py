"""The sizes and parts of a generative temporal model, as options."""

import dataclasses
from typing import Any, Literal

from vestige.experiments.checks import at_least
from vestige.experiments.recall.memories import Introspection, Memory


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Sizes shared by all compared models."""

    latent: int = 12
    """Dimensions of z."""
    controller: int = 96
    """Width of the LSTM behind the Introspection memory; the others get the width that gives as many
    parameters."""
    width: int = 96
    """Units of every hidden layer."""
    frames: Literal["mlp", "visual"] = "mlp"
    """How frames are encoded and decoded; visual is the paper's convolutional block."""
    posterior: Literal["residual", "plain"] = "residual"
    """residual: a correction to the prior (ours); plain: the paper's."""
    match_parameters: bool = True
    """Choose the controller's width so that every memory gives as many parameters as Introspection does."""
    rematerialise: bool = False
    """Recompute each step in the backward pass: less memory, somewhat slower."""

    def __post_init__(self):
        at_least(self, 1, "latent", "width")
        at_least(self, 8, "controller")

    def build(self, frame_shape: tuple[int, ...], frames: int, memory: Memory, *, key: Any) -> Any:
        """The model, its controller as wide as equal parameter counts ask for."""
        from vestige.models import temporal

        parts = {
            "mlp": (temporal.MLPEncoder, temporal.MLPDecoder),
            "visual": (temporal.VisualEncoder, temporal.VisualDecoder),
        }
        posteriors = {"residual": temporal.ResidualPosterior, "plain": temporal.PlainPosterior}
        encoder, decoder = parts[self.frames]

        def make(memory: Memory, controller: int) -> Any:
            return temporal.gtmm(
                frame_shape,
                memory.maker(frames),
                latent_size=self.latent,
                controller_size=controller,
                width=self.width,
                encoder=encoder,
                decoder=decoder,
                posterior=posteriors[self.posterior],
                transition_sees_frame=memory.pattern == "full",
                decoder_sees_context=memory.pattern == "full",
                rematerialise=self.rematerialise,
                key=key,
            )

        reference = Introspection()
        if memory == reference or not self.match_parameters:
            return make(memory, self.controller)
        target = temporal.count_parameters(temporal.shapes(lambda: make(reference, self.controller)))
        return make(memory, temporal.match_width(lambda width: make(memory, width), target))
