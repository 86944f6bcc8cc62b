"""Published learning curves, to stand beside ours: loss by updates, n = 10, three evaluations per update."""

from collections.abc import Callable, Mapping

from vestige.experiments.entry import Published
from vestige.experiments.experiment import Experiment
from vestige.tasks.spec import TaskSpec
from vestige.tasks.toy_specs import ToyArborescenceSpec, ToyBinaryTreeSpec, ToyMatchingSpec

Table = Mapping[int, tuple[float, ...]]

_MODELS = ("E", "T", "E+", "T+", "RELAX")
_SOURCE = "official repository's curves, read off plots ±0.2"
_NOTE = "Loss after {at:,} updates. Each published point is a mean of 10 to 30 draws."
_DEFECTS = " The arborescence code of the time had defects: some nested contractions came out wrong."

MATCHING: Table = {
    500: (-1.7, -4.0, -2.0, -5.1, -5.8),
    1000: (-2.6, -6.5, -3.8, -8.5, -8.3),
    2000: (-7.2, -8.4, -8.2, -9.9, -9.8),
    4000: (-8.3, -9.2, -9.6, -9.8, -9.6),
    8000: (-9.2, -9.4, -9.7, -9.9, -10.0),
    14500: (-9.8, -9.8, -9.95, -10.0, -10.0),
}
BINARY_TREE: Table = {
    1000: (-6.5, -6.6, -7.9, -8.7, -8.4),
    2000: (-6.8, -7.2, -8.8, -9.4, -9.1),
    4000: (-7.2, -8.3, -9.4, -9.7, -9.5),
    6000: (-8.6, -9.0, -9.9, -10.0, -10.0),
    14500: (-8.9, -9.5, -10.0, -10.0, -9.9),
}
ARBORESCENCE: Table = {
    1000: (-3.2, -3.7, -2.7, -8.2, -8.0),
    1500: (-2.5, -6.0, -5.0, -8.6, -8.8),
    2000: (-2.8, -7.3, -7.6, -8.9, -8.9),
    4000: (-2.6, -8.5, -8.7, -9.0, -8.9),
    7000: (-5.4, -9.0, -9.0, -9.0, -9.0),
    14500: (-7.5, -9.0, -9.0, -9.0, -9.0),
}


def published(table: Table, task: TaskSpec, *, note: str = "") -> Callable[[Experiment], Published]:
    """The numbers that belong to an experiment: the loss at the last listed update that it reaches.

    **Arguments:**

    - `table`: update -> the loss of each model.
    - `task`: the one that the numbers are of.
    - `note`: a sentence that is added to theirs.

    **Returns:** a function from an experiment to its published numbers; none for another task.
    """

    def numbers(experiment: Experiment) -> Published:
        reached = [at for at in table if at <= experiment.steps]
        if not reached or experiment.task != task:
            return {}
        last = max(reached)
        return {
            "source": _SOURCE,
            "note": _NOTE.format(at=last) + note,
            "metrics": {model: {"loss": table[last][place]} for place, model in enumerate(_MODELS)},
            "curves": {
                "loss": {
                    model: {str(at): values[place] for at, values in table.items()}
                    for place, model in enumerate(_MODELS)
                }
            },
        }

    return numbers


matching = published(MATCHING, ToyMatchingSpec(10))
binary_tree = published(BINARY_TREE, ToyBinaryTreeSpec(10))
arborescence = published(ARBORESCENCE, ToyArborescenceSpec(10), note=_DEFECTS)
