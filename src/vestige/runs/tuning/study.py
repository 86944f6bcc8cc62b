"""A study: trials of one experiment, the first with its default options, the others where a sampler expects most."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vestige.errors import UsageError
from vestige.experiments.experiment import Experiment
from vestige.plain import to_plain
from vestige.runs.folder import fingerprint
from vestige.runs.tuning.place import Place, need_optuna
from vestige.runs.tuning.pruners import pruner_of
from vestige.runs.tuning.trial import DEFAULT_TRIAL, Trial
from vestige.search import AbstractRange


@dataclasses.dataclass(frozen=True)
class Tuning:
    """What is searched, and how."""

    entry: str
    """The name of the experiment in the catalogue."""
    experiment: Experiment
    """With the default options, evaluated on what trials are compared on."""
    space: Mapping[str, AbstractRange]
    """Dotted names of options."""
    metric: str
    lower: bool
    """Whether a lower value is better."""
    seed: int
    """Of every run, and of the sampler."""
    trials: int
    """In the study, those of other machines among them."""
    pruner: str

    @property
    def identity(self) -> str:
        """Equal exactly for studies whose trials may be compared."""
        named = {name: str(over) for name, over in self.space.items()}
        return fingerprint(self.entry, to_plain(self.experiment), named, self.metric, self.lower, self.seed)


def open_study(tuning: Tuning, place: Place) -> Any:
    """The study, made if need be.

    **Arguments:**

    - `tuning`: what is searched.
    - `place`: where the study is kept.

    **Returns:** an `optuna.Study`.

    **Raises:** `UsageError` where one of that name searches something else, or the storage is not to be had.
    """
    optuna = need_optuna()
    study = optuna.create_study(
        study_name=place.name,
        storage=place.connect(),
        direction="minimize" if tuning.lower else "maximize",
        load_if_exists=True,
        pruner=pruner_of(tuning.pruner, steps=tuning.experiment.steps, num_evals=tuning.experiment.num_evals),
    )
    known = study.user_attrs.get("identity")
    if known is not None and known != tuning.identity:
        raise UsageError(
            f"study '{place.name}' has another experiment, option, seed, metric or search space. Repeat its "
            "command to go on with it, or choose another --out (with --storage: another --study)"
        )
    if known is None:
        study.set_user_attr("identity", tuning.identity)
        study.enqueue_trial(_defaults(tuning))
    return study


def upcoming(tuning: Tuning, place: Place, study: Any, folder: Path) -> Iterator[Trial]:
    """The trials that are to be carried out: those of this folder that were cut, then new ones, each sampled when it is
    taken, from what is known by then.

    What is sampled for a trial is a function of seed, number and the trials before it. A combination of options that
    the experiment refuses is noted as failed.

    **Arguments:**

    - `tuning`, `place`, `study`: what is searched.
    - `folder`: of the study, in which every trial has one.
    """
    optuna = need_optuna()
    states, here = optuna.trial.TrialState, str(folder.absolute())
    for known in study.get_trials(deepcopy=False, states=(states.RUNNING,)):
        if known.user_attrs.get("place") == here:
            trial = optuna.trial.Trial(study, known._trial_id)
            if (found := _drawn(tuning, place, study, trial, folder)) is not None:
                yield found
    while (number := _begun(study, states)) < tuning.trials:
        study.sampler = optuna.samplers.TPESampler(seed=_seed(tuning.seed, number))
        trial = study.ask()
        trial.set_user_attr("place", here)
        if (found := _drawn(tuning, place, study, trial, folder)) is not None:
            yield found


def _begun(study: Any, states: Any) -> int:
    return sum(each.state != states.WAITING for each in study.get_trials(deepcopy=False))


def _drawn(tuning: Tuning, place: Place, study: Any, trial: Any, folder: Path) -> Trial | None:
    """The trial with its options; None where the experiment refuses them."""
    names = _defaults(tuning) if trial.number == DEFAULT_TRIAL else tuning.space
    experiment = tuning.experiment
    options = {name: tuning.space[name].suggest(trial, name) for name in names}
    try:
        for name, value in options.items():
            experiment = experiment.replace(name, value)
        experiment.check()
    except ValueError as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial.number, state=need_optuna().trial.TrialState.FAIL)
        return None
    return Trial(
        place,
        trial.number,
        trial._trial_id,
        tuning.entry,
        experiment,
        tuning.seed,
        folder.absolute() / folder_of(trial.number),
        tuning.metric,
        tuning.pruner,
    )


def folder_of(number: int) -> str:
    """The name of a trial's folder in that of its study."""
    return f"trial-{number:04d}"


def value_of(experiment: Experiment, name: str) -> Any:
    """The value of the option of an `experiment` with that dotted `name`."""
    at: Any = experiment
    for step in name.split("."):
        at = getattr(at, step)
    return at


def _defaults(tuning: Tuning) -> dict[str, Any]:
    """The options of the experiment, as far as they lie in what is searched."""
    values = {name: value_of(tuning.experiment, name) for name in tuning.space}
    return {name: value for name, value in values.items() if value in tuning.space[name]}


def _seed(seed: int, number: int) -> int:
    import numpy as np

    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
