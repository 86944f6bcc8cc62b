"""The generative temporal model and its priors, as options; nothing here imports JAX."""

import abc
import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from vestige.checks import at_least
from vestige.memory.specs import IntrospectionSpec, MemorySpec
from vestige.models.spec import ModelSpec
from vestige.registries import Registry
from vestige.spec import Spec, load

if TYPE_CHECKING:
    from vestige.models.temporal.likelihood import AbstractLikelihood
    from vestige.models.temporal.model import TemporalModel
    from vestige.typing import Key


class PriorSpec(Spec):
    """The options of a prior and of the posterior that goes with it."""

    contract: ClassVar[str] = "prior"

    @abc.abstractmethod
    def parts(self) -> tuple[Any, Any]:
        """How prior and posterior are made.

        **Returns:** the arguments `prior` and `posterior` of `gtmm`.
        """


@dataclasses.dataclass(frozen=True)
class GaussianPriorSpec(PriorSpec):
    """A Gaussian that depends on what the memory gives: the paper's."""

    posterior: Literal["residual", "plain"] = "residual"
    """residual: a correction to the prior (ours); plain: the paper's."""

    part: ClassVar[str] = "vestige.models.temporal.build:gaussian"

    def parts(self) -> tuple[Any, Any]:
        posterior = {"residual": "ResidualPosterior", "plain": "PlainPosterior"}[self.posterior]
        return load(self.part), load(f"vestige.models.temporal.latents:{posterior}")


@dataclasses.dataclass(frozen=True)
class MixturePriorSpec(PriorSpec):
    """Something new or what one slot holds, so that a cue costs its name (ours)."""

    posterior: Literal["addressed", "plain"] = "addressed"
    """addressed: finds which component the frame is (ours); plain: the paper's."""
    between: int = 0
    """Components between each slot and the next older one, for views that lie between two stored ones; for attention
    and introspection."""

    part: ClassVar[str] = "vestige.models.temporal.build:mixture"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 0, "between")

    def parts(self) -> tuple[Any, Any]:
        where = {"addressed": "mixtures:AddressedPosterior", "plain": "latents:PlainPosterior"}[self.posterior]
        prior = functools.partial(load(self.part), between=self.between) if self.between else load(self.part)
        return prior, load(f"vestige.models.temporal.{where}")


PRIORS: Registry[PriorSpec] = Registry(
    "prior", PriorSpec, {"gaussian": GaussianPriorSpec(), "mixture": MixturePriorSpec()}
)


@runtime_checkable
class Framed(Protocol):
    """What a generative temporal model must know of the sequences for which it is built."""

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

    @property
    def likelihood(self) -> "AbstractLikelihood":
        """Of a frame."""
        ...


@dataclasses.dataclass(frozen=True)
class AbstractTemporalSpec(ModelSpec):
    """A sequential VAE whose prior and posterior read a memory, for one use or another."""

    memory: MemorySpec = dataclasses.field(default_factory=IntrospectionSpec)
    prior: PriorSpec = dataclasses.field(default_factory=GaussianPriorSpec)
    latent_size: int = 12
    """Dimensions of z."""
    controller_size: int = 96
    """Width of the LSTM behind the introspection memory; behind the others the width that gives as many parameters."""
    width: int = 96
    """Units of every hidden layer."""
    backbone: Literal["mlp", "visual"] = "mlp"
    """How frames are encoded and decoded; visual is the paper's convolutional block."""
    match_parameters: bool = True
    """Choose the controller's width so that every memory gives as many parameters as introspection does."""
    rematerialise: bool = False
    """Recompute each step in the backward pass: less memory, somewhat slower."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "latent_size", "width")
        at_least(self, 8, "controller_size")

    def temporal(self, task: Framed, *, key: "Key") -> "TemporalModel":
        """The generative temporal model.

        **Arguments:**

        - `task`: says what a frame is, how many are worth keeping, and what is given with each.
        - `key`: for its initial parameters.

        **Returns:** the model; its controller has the width that `match_parameters` chooses.

        **Raises:** `ValueError` for sizes that do not fit.
        """
        from vestige.models.temporal.build import count_parameters, gtmm, match_width, shapes

        frames = {"mlp": "frames:MLP", "visual": "visual:Visual"}[self.backbone]
        encoder, decoder = (load(f"vestige.models.temporal.{frames}{half}") for half in ("Encoder", "Decoder"))
        prior, posterior = self.prior.parts()

        def make(memory: MemorySpec, controller_size: int) -> "TemporalModel":
            def build_memory(latent_size: int, controller_size: int, *, key: "Key") -> Any:
                return memory.build(latent_size, controller_size, frames=task.frames, key=key)

            return gtmm(
                task.frame_shape,
                build_memory,
                latent_size=self.latent_size,
                controller_size=controller_size,
                width=self.width,
                condition_size=task.condition_size,
                encoder=encoder,
                decoder=decoder,
                prior=prior,
                posterior=posterior,
                likelihood=task.likelihood,
                transition_sees_frame=memory.pattern == "full",
                decoder_sees_context=memory.pattern == "full",
                rematerialise=self.rematerialise,
                key=key,
            )

        reference = IntrospectionSpec()
        if self.memory == reference or not self.match_parameters:
            return make(self.memory, self.controller_size)
        target = count_parameters(shapes(lambda: make(reference, self.controller_size)))
        return make(self.memory, match_width(lambda width: make(self.memory, width), target))


@dataclasses.dataclass(frozen=True)
class TemporalSpec(AbstractTemporalSpec):
    """A generative temporal model: a sequential VAE whose prior and posterior read a memory."""

    needs: ClassVar[str] = "frames"
    provides: ClassVar[frozenset[str]] = frozenset({"objective"})
    subject: ClassVar[str] = "a generative model of sequences"

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return {"name": "gradient"}

    @property
    def default_optimiser(self) -> Mapping[str, Any]:
        return {"name": "adam", "warmup": 500}

    def objective(self, task: Any) -> Any:
        """The evidence lower bound."""
        return load("vestige.models.temporal.bounds:elbo")

    def build(self, task: Framed, *, key: "Key") -> "TemporalModel":
        return self.temporal(task, key=key)
