"""The metrics of models with a structure as latent, in the order in which they are shown."""

from vestige.report.metric_facts import Metric
from vestige.report.tracking_metrics import TRACKING_METRICS

STRUCTURE_METRICS = (
    Metric(
        "edge_precision",
        "Edge precision",
        "Part of the drawn edges that are in the true graph, which is never shown.",
        "higher",
        best=1.0,
        proportion=True,
    ),
    Metric(
        "edge_precision_mode",
        "Edge precision, likeliest graph",
        "Part of the edges of the graph at the mean arrival times that are in the true one.",
        "higher",
        best=1.0,
        proportion=True,
    ),
    Metric(
        "edge_recall",
        "Edge recall",
        "Part of the edges of the true graph that are drawn.",
        "higher",
        best=1.0,
        proportion=True,
    ),
    Metric(
        "elbo",
        "Evidence bound",
        "Evidence lower bound by node, frames given the true ones before, KL of arrival times; without the constant of "
        "the Gaussian, so that only bounds of this form compare.",
        "higher",
        "nats",
    ),
    Metric(
        "iw_elbo",
        "Evidence bound, tighter",
        "The same by 50 importance samples of traces, for which KL need not be that of arrival times.",
        "higher",
        "nats",
        role="diagnostic",
    ),
    Metric(
        "prediction_nll",
        "Prediction",
        "By node, what the frames cost given the drawn graph and the true frames before, in nats.",
        "lower",
        "nats",
        role="diagnostic",
    ),
    Metric(
        "graph_kl",
        "KL, graph",
        "By node, KL of the arrival times of edges from those of equal rates, once for each ordered pair, in nats.",
        None,
        "nats",
        role="diagnostic",
    ),
    *TRACKING_METRICS,
)
