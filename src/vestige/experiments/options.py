"""What a user may set, as frozen dataclasses; nothing here imports JAX.

The command line, `config.yaml` and the defaults of the presets are all made from these classes. Each says in
`build` what it stands for, and imports that only when it is needed.
"""

import dataclasses
from typing import Any, ClassVar, Literal


def _at_least(owner: object, lowest: int, *names: str) -> None:
    for name in names:
        value = getattr(owner, name)
        if value is not None and value < lowest:
            raise ValueError(f"{name} must be at least {lowest}, got {value}")


def _positive(owner: object, *names: str) -> None:
    for name in names:
        value = getattr(owner, name)
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")


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
        _at_least(self, 1, "heads", "slots")

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


@dataclasses.dataclass(frozen=True)
class Images:
    """Which images, and how they become binary."""

    source: Literal["digits", "mnist", "omniglot", "glyphs"] = "digits"
    """digits: 8x8, shipped with scikit-learn. glyphs: 28x28 strokes, generated. mnist, omniglot: 28x28, files."""
    binarise: Literal["threshold", "stochastic"] = "threshold"
    """threshold: ink from mid grey on. stochastic: drawn once per fetched image."""

    def pools(self) -> tuple[Any, Any]:
        """Training and held-out images on the device."""
        import jax.numpy as jnp

        from vestige.data import DATASETS
        from vestige.tasks import ImagePool

        loaded = [DATASETS[self.source].load(split) for split in ("train", "test")]
        train, test = (
            ImagePool(jnp.asarray(s.images), jnp.asarray(s.labels), self.binarise == "stochastic") for s in loaded
        )
        return train, test


@dataclasses.dataclass(frozen=True)
class RecallTask:
    """l images, then the first k again."""

    l: int = 10
    """Images per sequence before recall."""
    k: int = 5
    """Images recalled, from the first on."""
    control: bool = False
    """Replace the recalled images by fresh ones: nothing can be recalled."""
    images: Images = Images()

    def __post_init__(self):
        _at_least(self, 1, "l", "k")
        if self.k > self.l:
            raise ValueError(f"k images are recalled out of l, so k <= l; got l={self.l}, k={self.k}")

    def build(self) -> Any:
        """The task, with its images loaded."""
        from vestige.tasks import PerfectRecall

        train, test = self.images.pools()
        return PerfectRecall(train, test, l=self.l, k=self.k, control=self.control)


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
        _at_least(self, 1, "latent", "width")
        _at_least(self, 8, "controller")

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


@dataclasses.dataclass(frozen=True)
class Gradient:
    """Back-propagation through time."""

    clip: float | None = 10.0
    """Global norm at which the gradient is clipped; None leaves it alone."""

    def __post_init__(self):
        _positive(self, "clip")

    def build(self) -> Any:
        """The rule, on the evidence lower bound."""
        from vestige.models.temporal import elbo
        from vestige.rules import Gradient

        return Gradient(elbo, clip=self.clip)


@dataclasses.dataclass(frozen=True)
class Adam:
    """Adam, with an optional warm-up and decay of the learning rate."""

    rate: float = 1e-3
    """Peak learning rate."""
    decay: Literal["cosine", "constant"] = "cosine"
    """cosine: to 1 % of the peak at the last update."""
    warmup: int = 500
    """Updates over which the rate rises from zero."""

    def __post_init__(self):
        _positive(self, "rate")
        _at_least(self, 0, "warmup")

    def build(self, steps: int) -> Any:
        """The optax transformation for a run of `steps` updates."""
        import optax

        after = max(steps - self.warmup, 1)
        schedules = {
            "cosine": optax.cosine_decay_schedule(self.rate, after, alpha=0.01),
            "constant": optax.constant_schedule(self.rate),
        }
        schedule = schedules[self.decay]
        if self.warmup:
            rise = optax.linear_schedule(0.0, self.rate, self.warmup)
            schedule = optax.join_schedules([rise, schedule], [self.warmup])
        return optax.adam(schedule)


@dataclasses.dataclass(frozen=True)
class Recall:
    """A generative temporal model on a recall task."""

    task: RecallTask = RecallTask()
    model: Architecture = Architecture()
    memory: Memory = Introspection()
    rule: Gradient = Gradient()
    optimiser: Adam = Adam()
    steps: int = 10_000
    """Updates."""
    batch: int = 32
    """Sequences per update."""

    choices: ClassVar[dict[str, dict[str, Any]]] = {"memory": MEMORIES}

    def __post_init__(self):
        _at_least(self, 0, "steps")
        _at_least(self, 1, "batch")
