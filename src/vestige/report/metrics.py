"""What each metric is called and what it says, in the order in which they are shown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vestige.report.numbers import number


@dataclass(frozen=True)
class Metric:
    """A metric's name in files, its name for people, one line that explains it, which way is better, and its unit."""

    name: str
    label: str
    explanation: str
    lower_is_better: bool | None
    unit: str = ""


BASELINES = frozenset(
    {
        "bigram_bits",
        "constant_log_likelihood",
        "constant_mse",
        "decoder_error",
        "extrapolation_error",
        "frequency_cross_entropy",
        "independent_log_likelihood",
        "kalman_mse",
        "kalman_velocity_r2",
        "linear_error",
        "majority_accuracy",
        "mean_error",
        "outcome_r2_alone",
        "repeat_error",
        "sensory_mse",
        "smoother_mse",
        "unigram_bits",
    }
)
"""Metrics of somebody else on the same data: they are shown as baselines, never as results of the run."""

_KNOWN = (
    Metric(
        "kl_recall",
        "KL, recalled frames",
        "Mean surprise at frames that repeat or follow from earlier ones, in nats; near 0 if remembered.",
        True,
        "nats",
    ),
    Metric(
        "kl_revisit",
        "KL, visited cells",
        "Mean surprise at cells of the map that were visited before, in nats; near 0 if a map is kept.",
        True,
        "nats",
    ),
    Metric(
        "kl_cue",
        "KL, cue",
        "Mean surprise at the first recalled frame, the cue, in nats; it can be one of several stored frames.",
        True,
        "nats",
    ),
    Metric(
        "kl_fresh",
        "KL, fresh frames",
        "Mean surprise at all other frames, in nats; nothing seen before can lower it.",
        None,
        "nats",
    ),
    Metric("kl_last", "KL, last frame", "Mean surprise at the last frame of a sequence, in nats.", True, "nats"),
    Metric(
        "negative_bound",
        "Negative bound",
        "Upper bound on the cost of a frame, in nats: surprise plus what its pixels still cost.",
        True,
        "nats",
    ),
    Metric(
        "negative_iw_bound",
        "Negative bound, tighter",
        "The same cost bounded more tightly: many weighted samples for each sequence instead of one.",
        True,
        "nats",
    ),
    Metric(
        "parity_accuracy",
        "Parity accuracy",
        "Part of the imagined answers that show the digit for even or odd that was asked for, as a classifier sees it.",
        False,
    ),
    Metric(
        "revisit_coherence",
        "Coherence, same cell",
        "Agreement of two frames imagined at the same cell of the map; 1 where a place always looks the same.",
        False,
    ),
    Metric(
        "elsewhere_coherence",
        "Coherence, different cells",
        "The same for two different cells. Frames that are all alike agree here too; only the difference tells.",
        None,
    ),
    Metric("accuracy", "Accuracy", "Part of what is asked in long sequences that is answered right.", False),
    Metric("mse", "Squared error", "Mean squared error of the answers about long sequences.", True),
    Metric("mse_forgetful", "Squared error, empty memory", "The same predictor, asked with nothing in memory.", True),
    Metric("mse_local", "Squared error, no memory", "The uncertainty detector, which sees the step alone.", True),
    Metric("right", "Sign foretold", "Part of the pick-ups of which is foretold whether they help or hurt.", False),
    Metric(
        "mse_ratio",
        "Error to the Kalman filter's",
        "Mean squared error of a linear read-out of the state, divided by that of the Kalman filter on the same steps.",
        True,
    ),
    Metric(
        "mse_ratio_updown",
        "The same, up-down",
        "Of the position decoded from what the state says was observed, without any read-out that is fitted.",
        True,
    ),
    Metric("velocity_r2", "Velocity, R²", "How well a linear read-out of the state tells the velocity.", False),
    Metric("position_r2_20", "Position 20 steps ago, R²", "How well the state tells where it was then.", False),
    Metric("position_r2_40", "Position 40 steps ago, R²", "How well the state tells where it was then.", False),
    Metric("mse_updown", "Squared error, up-down", "Of the position decoded from what a state says was seen.", True),
    Metric("mse_readout", "Squared error, read-out", "Mean squared error of a linear read-out of the state.", True),
    Metric(
        "frame_error",
        "Error of the next frame",
        "Squared error of the prediction of the next frame, summed over its values.",
        True,
    ),
    Metric("kalman_mse", "Squared error, Kalman filter", "Of the best filter, which knows the world.", None),
    Metric("kalman_velocity_r2", "Velocity, R², Kalman filter", "What the best filter knows of the velocity.", None),
    Metric("sensory_mse", "Squared error, no memory", "Of who decodes each step alone.", None),
    Metric("smoother_mse", "Squared error, smoother", "Of the best hindsight, which sees the future too.", None),
    Metric("repeat_error", "The same, last frame again", "Of who foretells that nothing changes.", None),
    Metric("linear_error", "The same, linear regression", "Of a linear regression on what was seen last.", None),
    Metric(
        "log_likelihood",
        "Log-likelihood per step",
        "Of the next observation given the state, in nats; sums over states are annealed, which is high on average.",
        False,
        "nats",
    ),
    Metric(
        "independent_log_likelihood",
        "The same, independent",
        "Of values that know neither each other nor the past.",
        None,
        "nats",
    ),
    Metric(
        "outcome_r2",
        "Outcomes, R²",
        "How well a ridge regression on the state tells the outcomes, of held-out steps.",
        False,
    ),
    Metric("outcome_r2_alone", "The same, without memory", "Of a ridge regression on what was seen last.", None),
    Metric("bits_per_character", "Bits per character", "Cost of the next character, in bits.", True, "bits"),
    Metric(
        "position_error",
        "Position error",
        "Median distance of the place read out of the state from the true one, in camera pixels.",
        True,
    ),
    Metric("decoder_error", "The same, without memory", "Of a Bayesian decoder that sees one window of spikes.", None),
    Metric("reward", "Reward", "Mean sum of rewards of an episode.", False),
    Metric("cross_entropy", "Cross-entropy", "Cost of the right answer, in nats.", True, "nats"),
    Metric("majority_accuracy", "The same, majority class", "Of who always says the most frequent class.", None),
    Metric(
        "frequency_cross_entropy",
        "The same, frequencies alone",
        "Of who knows how often each class comes, and nothing else: the entropy of the held-out classes, in nats.",
        None,
        "nats",
    ),
    Metric("constant_mse", "The same, mean alone", "Variance of the held-out outcomes.", None),
    Metric(
        "information",
        "Information",
        "What memory and input tell of an answer, in nats: at least so much, at most the entropy of the answers.",
        False,
        "nats",
    ),
    Metric(
        "precision",
        "Precision of the choice",
        "Of the steps that the rule would ask about first, the part that needs a memory.",
        False,
    ),
    Metric(
        "backward_bytes",
        "Storage of an update",
        "Bytes that one update needs beside model and state, by the compiler's account.",
        True,
    ),
    Metric("loss", "Loss", "Mean cost of fresh draws.", True),
    Metric(
        "gradient_std",
        "Gradient std",
        "Standard deviation of one gradient estimate at the learned parameters, mean over coordinates.",
        True,
    ),
    Metric(
        "error",
        "Error",
        "Part of the held-out images that are recognised wrongly, by the plain forward pass (AP1).",
        True,
    ),
    Metric("error_ap2", "Error, AP2", "The same, variances carried upward.", True),
    Metric("error_sampled", "Error, sampled", "The same, by the mean of sampled upward passes.", True),
    Metric(
        "error_generative",
        "Error, generative",
        "The same, by the class under which the generation network finds the image most likely.",
        True,
    ),
    Metric(
        "nll",
        "Negative log-likelihood",
        "Mean of -log p(x) in nats; exact where all hidden states can be enumerated, otherwise by importance sampling "
        "from the recognition network, an upper bound in the mean.",
        True,
        "nats",
    ),
    Metric(
        "negative_elbo",
        "Negative evidence bound",
        "Mean of -E[log p - log q] over upward passes, in nats: an upper bound of the negative log-likelihood.",
        True,
        "nats",
    ),
    Metric(
        "consistency_gap",
        "Consistency gap",
        "KL from recognition to the posterior of the generation network, in nats; 0 if both are one joint model.",
        True,
        "nats",
    ),
    Metric(
        "nll_star",
        "Negative log-likelihood, both",
        "That of the bidirectional model, the square of the mean of √(p q), less the estimated log Z².",
        True,
        "nats",
    ),
    Metric(
        "log_z2", "log Z²", "Of the bidirectional model, estimated; 0 if both directions are one joint model.", None
    ),
    Metric(
        "ece",
        "Calibration error",
        "Expected calibration error of the plain forward pass (AP1): confidence against accuracy, 15 bins.",
        True,
    ),
    Metric("ece_ap2", "Calibration error, AP2", "The same, variances carried upward.", True),
    Metric("ece_sampled", "Calibration error, sampled", "The same, by sampled upward passes.", True),
    Metric(
        "label_nll",
        "Label cost",
        "Mean of -log q(label | image) in nats, by the plain forward pass (AP1).",
        True,
        "nats",
    ),
    Metric("label_nll_ap2", "Label cost, AP2", "The same, variances carried upward.", True, "nats"),
    Metric("label_nll_sampled", "Label cost, sampled", "The same, by sampled upward passes.", True, "nats"),
    Metric(
        "variation_ap1",
        "Variation, AP1",
        "Total variation between the class probabilities of the plain forward pass and the sampled ones.",
        True,
    ),
    Metric("variation_ap2", "Variation, AP2", "The same, variances carried upward.", True),
    Metric("reconstruction", "Reconstruction", "Cross entropy of the means of an up-down pass, in nats.", True, "nats"),
    Metric(
        "inpainting", "Inpainting error", "Part of the pixels of a missing lower half that are filled in wrongly.", True
    ),
    Metric(
        "round_trip",
        "Round trip",
        "How often data generated for a class are recognised as that class.",
        False,
    ),
    Metric(
        "ess", "Effective samples", "Effective sample size behind the likelihood; near 1 it cannot be trusted.", False
    ),
)
_BY_NAME = {metric.name: metric for metric in _KNOWN}
_HIGHER = ("accuracy", "log_likelihood", "coherence")
_LOWER = ("kl", "loss", "error", "bound")


def metric(name: str) -> Metric:
    """What is known of the metric called `name`; a plain reading of the name if nothing is."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    lower: bool | None = None
    if any(part in name for part in _HIGHER):
        lower = False
    elif any(name.startswith(part) or name.endswith(part) for part in _LOWER):
        lower = True
    label = name.replace("_", " ").strip()
    return Metric(name, label[:1].upper() + label[1:], "", lower)


def ordered(names: Iterable[str]) -> list[str]:
    """The names without repeats: the known ones in their order, then the others as they came."""
    given = list(dict.fromkeys(names))
    known = [known.name for known in _KNOWN if known.name in given]
    return known + [name for name in given if name not in _BY_NAME]


def lower_is_better(name: str, bound: Mapping[str, Any] | None = None) -> bool | None:
    """Which way is better, by its best and chance values if both are known, else by the name."""
    best, chance = number((bound or {}).get("best")), number((bound or {}).get("chance"))
    if best is not None and chance is not None and best != chance:
        return best < chance
    return metric(name).lower_is_better


def shared_unit(names: Iterable[str]) -> str:
    """The unit of all these metrics; empty where they have none, or not all the same."""
    units = {metric(name).unit for name in names}
    return units.pop() if len(units) == 1 else ""
