"""An experiment: settings of the task `reversed-recall` by the name of a preset, and what is listed of it."""

from vestige_extra.reversed_recall import ReversedRecallSpec

import vestige
from vestige.models.temporal import TemporalSpec

SMALL = vestige.Experiment(ReversedRecallSpec(4, 2), TemporalSpec(), steps=600, num_evals=3, eval_size=16)
ENTRY = vestige.Entry(
    name="reversed-recall",
    title="Reversed recall",
    summary="images, then the last of them backward",
    system="extra",
    paper="none",
    presets={"small": SMALL},
    vary="model.memory",
)
vestige.register("experiment", "reversed-recall", ENTRY)
