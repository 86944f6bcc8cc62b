"""The metrics of Vestige, in the order in which they are shown."""

from vestige.report.filtering_metrics import FILTERING_METRICS
from vestige.report.frame_metrics import FRAME_METRICS
from vestige.report.longterm_metrics import LONGTERM_METRICS
from vestige.report.metric_facts import Metric
from vestige.report.structure_metrics import STRUCTURE_METRICS
from vestige.report.text_metrics import TEXT_METRICS
from vestige.report.tied_metrics import TIED_METRICS

KNOWN_METRICS = (
    *FRAME_METRICS,
    *LONGTERM_METRICS,
    *FILTERING_METRICS,
    *TEXT_METRICS,
    Metric("loss", "Loss", "Mean cost of fresh draws; of texts, on held-out ones.", "lower"),
    Metric(
        "gradient_std",
        "Gradient std",
        "Standard deviation of one gradient estimate at the learned parameters, mean over coordinates.",
        "lower",
        role="diagnostic",
    ),
    *TIED_METRICS,
    *STRUCTURE_METRICS,
)
