"""A run as it lies on the disk, made into objects again."""

from pathlib import Path
from typing import Any, NamedTuple

from vestige.errors import UsageError
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Components, Experiment
from vestige.runs.config import recorded
from vestige.runs.data_identity import locate
from vestige.runs.evaluate import evaluate, write_evaluation
from vestige.runs.execution import check_sizes, constructed
from vestige.runs.folder import CHECKPOINTS, SO_FAR
from vestige.storage.durable import DamagedFile
from vestige.storage.results import RESULTS, read_results
from vestige.training import Checkpoints
from vestige.training.state import start


class Restored(NamedTuple):
    """What a run had come to."""

    entry: Entry
    experiment: Experiment
    components: Components
    model: Any
    step: int
    notices: list[str]
    """A sentence for each thing to know: other data, damaged checkpoints passed over, results of a later update."""


def load(folder: Path, *, data: Path | None = None) -> Restored:
    """The run in `folder` at its newest sound checkpoint, with its own data or with a file in place of them.

    What was fitted in training is kept: other data are seen in units of the training. A task on files of the user's
    reads those alone that an evaluation needs.

    **Raises:** `UsageError` where it is no run folder or has no sound checkpoint, where a file that is needed is
    missing or is not the one that the run is trained on, and where `data` is given to a run that reads no file.
    """
    run = recorded(folder)
    found = locate(folder, run.experiment, data=data)
    built = constructed(found.experiment, seed=run.seed, fitted=found.fitted)
    check_sizes(found.experiment, built)
    template = start(
        built.model,
        built.task,
        rule=built.rule,
        optimiser=built.optimiser,
        batch_size=run.experiment.batch_size,
        key=built.key,
        logged=False,
    )
    store = Checkpoints(folder / CHECKPOINTS, fingerprint=run.identity, also=run.earlier)
    state, step, notices = store.restore(template)
    if step is None:
        raise UsageError("\n".join([f"{folder} has no checkpoint that can be read", *notices]))
    notices = [*run.notices, *found.notices, *notices, *_older_than_results(folder, step)]
    return Restored(run.entry, found.experiment, built, state.model, step, notices)


def _older_than_results(folder: Path, step: int) -> list[str]:
    """A sentence where the checkpoint is not the one that was evaluated at the end."""
    if not (folder / RESULTS).is_file():
        return []
    try:
        updates = read_results(folder / RESULTS).get("updates", step)
    except DamagedFile as error:
        return [str(error)]
    if updates <= step:
        return []
    return [
        f"{folder / RESULTS} is of update {updates}; the newest sound checkpoint is {folder / CHECKPOINTS / str(step)}"
    ]


def picture_so_far(folder: Path) -> list[str]:
    """Write `evaluation-so-far.npz` of a run that is still going, from its newest checkpoint.

    The run's own files are left alone, so that it goes on undisturbed, and its `evaluation.npz` is that of its end.

    **Returns:** a sentence for each damaged checkpoint that was passed over.
    """
    run = load(folder)
    write_evaluation(folder / SO_FAR, evaluate(run.entry, run.experiment, run.components, run.model)[1])
    return run.notices
