"""The generative temporal model with the Introspection memory in plain PyTorch, for `torch_loop.py`.

The same layers, sizes, residual posterior, KL and likelihood as `vestige.models.temporal.gtmm`, written as
one would write them in PyTorch: modules on a batch, a Python loop over time, autograd. What the original
computes on masked buffers is done here on what has been written so far, which is the same value for less
work. Two variants:

- `plain`: everything per frame inside the loop (encode x_t, step, decode z_t, add up the loss).
- `outside`: frames encoded, latents decoded and KLs summed in one call each, outside the loop.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LOG_SCALE_RANGE = (-7.0, 3.0)
LOG_RATIO_RANGE = (-5.0, 5.0)


def soft_clamp(x: Tensor, low: float, high: float) -> Tensor:
    return low + F.softplus(x - low) - F.softplus(x - high)


def gaussian_kl(q_mean: Tensor, q_log: Tensor, p_mean: Tensor, p_log: Tensor) -> Tensor:
    """KL(q ‖ p) in nats, summed over everything; `log` is the logarithm of the scale."""
    log_ratio = q_log - p_log
    shift = (q_mean - p_mean) * torch.exp(-p_log)
    return 0.5 * torch.sum(torch.expm1(2.0 * log_ratio) - 2.0 * log_ratio + shift**2)


class TorchGTMM(nn.Module):
    """The model; `loss` is the negative bound in nats per frame, a mean over the batch."""

    def __init__(
        self,
        frame_shape: tuple[int, ...],
        *,
        latent_size: int,
        controller_size: int,
        width: int,
        slots: int,
        heads: int,
    ):
        super().__init__()
        pixels, context_size = math.prod(frame_shape), heads * latent_size
        self.latent_size, self.slots, self.heads = latent_size, slots, heads
        self.encoder = nn.Sequential(nn.Linear(pixels, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.cell = nn.LSTMCell(latent_size, controller_size)
        # PyTorch's cell has two biases that always add up; one, frozen at zero, leaves the same model.
        nn.init.zeros_(self.cell.bias_hh)
        self.cell.bias_hh.requires_grad_(False)
        self.interface = nn.Linear(controller_size, heads * (slots + latent_size))
        self.prior = nn.Sequential(nn.Linear(context_size, width), nn.ReLU(), nn.Linear(width, 2 * latent_size))
        self.from_features = nn.Linear(width, width)
        self.from_context = nn.Linear(context_size, width, bias=False)
        self.posterior_output = nn.Linear(width, 2 * latent_size)
        self.decoder = nn.Sequential(
            nn.Linear(latent_size, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, pixels),
        )

    def trainable(self) -> dict[str, nn.Parameter]:
        return {name: p for name, p in self.named_parameters() if p.requires_grad}

    def read(self, memory: Tensor, h: Tensor) -> Tensor:
        """The gated context from `memory` (batch, written, latent), newest first."""
        batch, written, _ = memory.shape
        if written == 0:
            return h.new_zeros(batch, self.heads * self.latent_size)
        emitted = self.interface(h).view(batch, self.heads, self.slots + self.latent_size)
        weights = torch.softmax(emitted[..., :written], dim=-1)
        return ((weights @ memory) * torch.sigmoid(emitted[..., self.slots :])).flatten(1)

    def latents(self, context: Tensor, projected: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Mean and log-scale of the posterior, then of the prior."""
        p_mean, p_log = self.prior(context).chunk(2, dim=-1)
        p_log = soft_clamp(p_log, *LOG_SCALE_RANGE)
        hidden = F.relu(projected + self.from_context(context))
        shift, log_ratio = self.posterior_output(hidden).chunk(2, dim=-1)
        q_mean = p_mean + shift
        return q_mean, p_log + soft_clamp(log_ratio, *LOG_RATIO_RANGE), p_mean, p_log

    def start(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor], Tensor]:
        """The first latent, controller state and memory."""
        batch, hidden = x.shape[0], self.cell.hidden_size
        state = (x.new_zeros(batch, hidden), x.new_zeros(batch, hidden))
        return x.new_zeros(batch, self.latent_size), state, x.new_zeros(batch, 0, self.latent_size)

    def loss(self, variant: str, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Negative bound of `x` (batch, time, *frame); `noise` is (batch, time, latent), or drawn."""
        return {"plain": self._plain, "outside": self._outside}[variant](x.flatten(2), noise)

    def _plain(self, x: Tensor, noise: Tensor | None) -> Tensor:
        z, state, memory = self.start(x)
        total = x.new_zeros(())
        for t in range(x.shape[1]):
            frame = x[:, t]
            state = self.cell(z, state)
            context = self.read(memory, state[0])
            q_mean, q_log, p_mean, p_log = self.latents(context, self.from_features(self.encoder(frame)))
            z = q_mean + torch.exp(q_log) * (torch.randn_like(q_mean) if noise is None else noise[:, t])
            memory = torch.cat([z.unsqueeze(1), memory], dim=1)[:, : self.slots]
            logits = self.decoder(z)
            total = total + F.binary_cross_entropy_with_logits(logits, frame, reduction="sum")
            total = total + gaussian_kl(q_mean, q_log, p_mean, p_log)
        return total / (x.shape[0] * x.shape[1])

    def _outside(self, x: Tensor, noise: Tensor | None) -> Tensor:
        z, state, memory = self.start(x)
        if noise is None:
            noise = torch.randn(*x.shape[:2], self.latent_size)
        projected = self.from_features(self.encoder(x)).unbind(1)
        drawn, latents = [], []
        for share, eps in zip(projected, noise.unbind(1), strict=True):
            state = self.cell(z, state)
            parameters = self.latents(self.read(memory, state[0]), share)
            z = parameters[0] + torch.exp(parameters[1]) * eps
            memory = torch.cat([z.unsqueeze(1), memory], dim=1)[:, : self.slots]
            drawn.append(z)
            latents.append(parameters)
        logits = self.decoder(torch.stack(drawn, dim=1))
        likelihood = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = gaussian_kl(*(torch.stack(one, dim=1) for one in zip(*latents, strict=True)))
        return (likelihood + kl) / (x.shape[0] * x.shape[1])
