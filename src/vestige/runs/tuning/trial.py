"""One trial: a run, followed by a pruner, whose outcome is noted in the study."""

import math
from pathlib import Path
from typing import Any, NamedTuple

from vestige.errors import RunError, UsageError, nearest
from vestige.experiments.experiment import Experiment
from vestige.registries import registry
from vestige.runs.tuning.place import Place, need_optuna
from vestige.runs.tuning.pruners import pruner_of
from vestige.training import AbstractCallback

DEFAULT_TRIAL = 0
"""The number of the trial of the default options; it is not pruned."""


class Trial(NamedTuple):
    """What a process needs to carry out a trial."""

    place: Place
    number: int
    id: int
    entry: str
    experiment: Experiment
    seed: int
    folder: Path
    metric: str
    pruner: str


class Pruning(AbstractCallback):
    """Reports every evaluation of a run to its study, and ends the run where the pruner says so.

    **Arguments:**

    - `trial`: an `optuna.Trial`.
    - `metric`: of the evaluations.
    - `last`: the last update, at which nothing is left to be saved.
    - `prunes`: whether the run may be ended.
    """

    def __init__(self, trial: Any, metric: str, *, last: int, prunes: bool):
        self.trial, self.metric, self.last, self.prunes = trial, metric, last, prunes
        self.reported = set(trial.study._storage.get_trial(trial._trial_id).intermediate_values)
        self.pruned: int | None = None
        """The update after which the run was ended."""

    def on_evaluation(self, record: Any, model: Any) -> bool | None:
        step, value = int(record["step"]), record.get(self.metric)
        if value is None or not math.isfinite(value):
            return None
        if step not in self.reported:
            self.reported.add(step)
            self.trial.report(value, step)
        if self.prunes and step < self.last and self.trial.should_prune():
            self.pruned = step
            return True
        return None


def carry_out(given: Trial, arguments: dict[str, Any]) -> None:
    """Run a trial, or go on with it, and note its outcome: a value, pruned, or failed with what was wrong.

    A run that fails is no error of the study; one that is interrupted stays open.

    **Arguments:**

    - `given`: the trial.
    - `arguments`: what `execute` takes beside it.

    **Raises:** `Interrupted`; `UsageError` where the trial of the default options is refused, or the study is gone.
    """
    from vestige.runs.execution import execute

    optuna = need_optuna()
    states, experiment = optuna.trial.TrialState, given.experiment
    pruner = pruner_of(given.pruner, steps=experiment.steps, num_evals=experiment.num_evals)
    study = optuna.load_study(
        study_name=given.place.name,
        storage=given.place.connect(),
        sampler=optuna.samplers.RandomSampler(),  # nothing is sampled here
        pruner=pruner,
    )
    trial = optuna.trial.Trial(study, given.id)
    if study._storage.get_trial(given.id).state.is_finished():  # a task that was begun again after its end
        return
    pruning = Pruning(trial, given.metric, last=experiment.steps, prunes=given.number != DEFAULT_TRIAL)
    try:
        results = execute(
            registry("experiment").find(given.entry),
            experiment,
            seed=given.seed,
            folder=given.folder,
            callbacks=(pruning,),
            **arguments,
        )
        value = results["metrics"].get(given.metric)
        if given.metric not in results["metrics"]:
            raise UsageError(f"the results have no {given.metric}. {nearest(given.metric, results['metrics'])}")
        if value is None or not math.isfinite(value):
            raise RunError(f"{given.metric} is no finite number at the end")
    except (RunError, UsageError) as error:
        if given.number == DEFAULT_TRIAL and isinstance(error, UsageError):
            raise
        trial.set_user_attr("error", str(error))
        study.tell(given.number, state=states.FAIL)
        return
    for name in ("seconds", "updates"):
        trial.set_user_attr(name, results[name])
    trial.set_user_attr("value", float(value))
    if pruning.pruned is not None or "Pruning" in results.get("stopped", ""):
        study.tell(given.number, state=states.PRUNED)
        return
    study.tell(given.number, float(value))
