"""The metrics of tied nets, in the order in which they are shown."""

from vestige.report.metric_facts import Metric

TIED_METRICS = (
    Metric(
        "error",
        "Error",
        "Part of the held-out images that are recognised wrongly, by the plain forward pass (AP1).",
        "lower",
        best=0.0,
        proportion=True,
    ),
    Metric("error_ap2", "Error, AP2", "The same, variances carried upward.", "lower", best=0.0, proportion=True),
    Metric(
        "error_sampled",
        "Error, sampled",
        "The same, by the mean of sampled upward passes.",
        "lower",
        best=0.0,
        proportion=True,
    ),
    Metric(
        "error_generative",
        "Error, generative",
        "The same, by the class under which the generation network finds the image most likely.",
        "lower",
        best=0.0,
        proportion=True,
    ),
    Metric(
        "nll",
        "Negative log-likelihood",
        "Mean of -log p(x) in nats; exact where all hidden states can be enumerated, otherwise by importance sampling "
        "from the recognition network, an upper bound in the mean.",
        "lower",
        "nats",
    ),
    Metric(
        "negative_elbo",
        "Negative evidence bound",
        "Mean of -E[log p - log q] over upward passes, in nats: an upper bound of the negative log-likelihood.",
        "lower",
        "nats",
    ),
    Metric(
        "consistency_gap",
        "Consistency gap",
        "KL from recognition to the posterior of the generation network, in nats; 0 if both are one joint model.",
        "lower",
        "nats",
        role="diagnostic",
        best=0.0,
    ),
    Metric(
        "limiting_kl",
        "Drift of the chain up and down",
        "KL from where recognition and generation in turn end to what the model generates, in nats; 0 if both are one "
        "joint model.",
        "lower",
        "nats",
        role="diagnostic",
        best=0.0,
    ),
    Metric(
        "limiting_nll",
        "Negative log-likelihood, chain",
        "Of the data, by the distribution where recognition and generation in turn end.",
        "lower",
        "nats",
    ),
    Metric(
        "limiting_drift",
        "Drift of the chain up and down",
        "How much less likely the model's own data become in 50 rounds up and down, in nats; 0 if both are one joint "
        "model.",
        None,
        "nats",
        role="diagnostic",
    ),
    Metric(
        "nll_star",
        "Negative log-likelihood, both",
        "That of the bidirectional model, the square of the mean of √(p q), less the estimated log Z².",
        "lower",
        "nats",
    ),
    Metric(
        "log_z2",
        "log Z²",
        "Of the bidirectional model, estimated; 0 if both directions are one joint model.",
        None,
        role="diagnostic",
    ),
    Metric(
        "ece",
        "Calibration error",
        "Expected calibration error of the plain forward pass (AP1): confidence against accuracy, 15 bins.",
        "lower",
        best=0.0,
    ),
    Metric("ece_ap2", "Calibration error, AP2", "The same, variances carried upward.", "lower", best=0.0),
    Metric("ece_sampled", "Calibration error, sampled", "The same, by sampled upward passes.", "lower", best=0.0),
    Metric(
        "label_nll",
        "Label cost",
        "Mean of -log q(label | image) in nats, by the plain forward pass (AP1).",
        "lower",
        "nats",
        best=0.0,
    ),
    Metric("label_nll_ap2", "Label cost, AP2", "The same, variances carried upward.", "lower", "nats", best=0.0),
    Metric(
        "label_nll_sampled", "Label cost, sampled", "The same, by sampled upward passes.", "lower", "nats", best=0.0
    ),
    Metric(
        "variation_ap1",
        "Variation, AP1",
        "Total variation between the class probabilities of the plain forward pass and the sampled ones.",
        "lower",
        role="diagnostic",
        best=0.0,
    ),
    Metric(
        "variation_ap2", "Variation, AP2", "The same, variances carried upward.", "lower", role="diagnostic", best=0.0
    ),
    Metric(
        "reconstruction", "Reconstruction", "Cross entropy of the means of an up-down pass, in nats.", "lower", "nats"
    ),
    Metric(
        "inpainting",
        "Inpainting error",
        "Part of the pixels of a missing lower half that are filled in wrongly.",
        "lower",
        best=0.0,
    ),
    Metric(
        "round_trip",
        "Round trip",
        "How often data generated for a class are recognised as that class.",
        "higher",
        best=1.0,
        proportion=True,
    ),
    Metric(
        "ess",
        "Effective samples",
        "Effective sample size behind the likelihood; near 1 it cannot be trusted.",
        "higher",
        role="diagnostic",
    ),
)
"""The metrics of recognition and generation from one stack of weights, in the order in which they are shown."""
