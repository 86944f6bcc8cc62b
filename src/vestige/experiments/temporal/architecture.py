"""The sizes and parts of a generative temporal model, as options."""

import dataclasses
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from vestige.experiments.checks import at_least
from vestige.experiments.temporal.memories import Introspection, Memory

if TYPE_CHECKING:
    from vestige.models.temporal import AbstractLikelihood, TemporalModel
    from vestige.typing import Key


@runtime_checkable
class Framed(Protocol):
    """What a model must know of the sequences it is built for."""

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Of one frame."""
        ...

    @property
    def frames(self) -> int:
        """How many frames are worth keeping."""
        ...

    @property
    def condition_size(self) -> int:
        """How many numbers are given with a frame."""
        ...


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
    prior: Literal["gaussian", "mixture"] = "gaussian"
    """gaussian: the paper's; mixture: something new or what one slot holds, so that a cue costs its name (ours)."""
    posterior: Literal["residual", "plain", "addressed"] | None = None
    """residual: a correction to a gaussian prior (ours); plain: the paper's; addressed: looks up which component of a
    mixture the frame is (ours). By default residual, and addressed with a mixture."""
    match_parameters: bool = True
    """Choose the controller's width so that every memory gives as many parameters as Introspection does."""
    rematerialise: bool = False
    """Recompute each step in the backward pass: less memory, somewhat slower."""

    def __post_init__(self):
        at_least(self, 1, "latent", "width")
        at_least(self, 8, "controller")
        fitting = {"gaussian": {None, "residual", "plain"}, "mixture": {None, "plain", "addressed"}}[self.prior]
        if self.posterior not in fitting:
            raise ValueError(f"a {self.prior} prior does not go with a posterior that is {self.posterior}")

    def build(
        self,
        task: Framed,
        memory: Memory,
        *,
        likelihood: "AbstractLikelihood",
        key: "Key",
    ) -> "TemporalModel":
        """The model for a task, its controller as wide as equal parameter counts ask for."""
        from vestige.models import temporal

        parts = {
            "mlp": (temporal.MLPEncoder, temporal.MLPDecoder),
            "visual": (temporal.VisualEncoder, temporal.VisualDecoder),
        }
        priors = {
            "gaussian": (temporal.gaussian, temporal.ResidualPosterior),
            "mixture": (temporal.mixture, temporal.AddressedPosterior),
        }
        posteriors = {
            "residual": temporal.ResidualPosterior,
            "plain": temporal.PlainPosterior,
            "addressed": temporal.AddressedPosterior,
        }
        encoder, decoder = parts[self.frames]
        prior, usual = priors[self.prior]
        posterior = usual if self.posterior is None else posteriors[self.posterior]

        def make(memory: Memory, controller: int) -> temporal.TemporalModel:
            return temporal.gtmm(
                task.frame_shape,
                memory.maker(task.frames),
                latent_size=self.latent,
                controller_size=controller,
                width=self.width,
                condition_size=task.condition_size,
                encoder=encoder,
                decoder=decoder,
                prior=prior,
                posterior=posterior,
                likelihood=likelihood,
                transition_sees_frame=memory.pattern == "full",
                decoder_sees_context=memory.pattern == "full",
                rematerialise=self.rematerialise,
                key=key,
            )

        reference = Introspection()
        if memory == reference or not self.match_parameters:
            return make(memory, self.controller)
        target = temporal.count_parameters(temporal.shapes(lambda: make(reference, self.controller)))
        return make(memory, temporal.match_width(lambda w: make(memory, w), target))
