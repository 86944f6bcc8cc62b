"""A metric: what the pages say of `kl_turn`, which the task `reversed-recall` reports."""

import vestige
from vestige.report.metric_facts import Metric

KL_TURN = Metric(
    "kl_turn",
    "KL at the turn",
    "KL of the first frame that comes again: the one that was seen just before.",
    "lower",
    "nats",
)
vestige.register("metric", "kl_turn", KL_TURN)
