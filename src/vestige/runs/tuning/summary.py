"""What `study.json` holds: trials, the best and the first of them, and what mattered."""

import math
from pathlib import Path
from typing import Any

from vestige.runs.folder import versions
from vestige.runs.tuning.place import Place, need_optuna
from vestige.runs.tuning.study import Tuning, folder_of, value_of
from vestige.runs.tuning.trial import DEFAULT_TRIAL
from vestige.storage.results import STUDY, write_results

FEWEST = 4
"""Finished trials from which on it is said which option mattered."""


def summarise(
    tuning: Tuning, place: Place, study: Any, folder: Path, *, title: str, preset: str, chosen_on: str, command: str
) -> dict[str, Any]:
    """Write `study.json`.

    **Arguments:**

    - `tuning`, `place`, `study`: what was searched. `folder`: of the study.
    - `title`: of the experiment. `preset`: whose options the first trial has.
    - `chosen_on`: a sentence on the data that trials were compared on.
    - `command`: as it was typed.

    **Returns:** what it holds.
    """
    states, here = need_optuna().trial.TrialState, str(folder.absolute())
    trials = [
        {
            "number": each.number,
            "state": each.state.name.lower(),
            "value": each.value if each.state == states.COMPLETE else each.user_attrs.get("value"),
            "options": dict(each.params),
            "folder": (
                folder_of(each.number)
                if each.user_attrs.get("place") == here
                else f"{each.user_attrs.get('place', '')}/{folder_of(each.number)}"
            ),
            "seconds": each.user_attrs.get("seconds"),
            "updates": each.user_attrs.get("updates"),
            "error": each.user_attrs.get("error", ""),
        }
        for each in study.get_trials(deepcopy=False)
        if each.state != states.WAITING
    ]
    complete = [each for each in trials if each["state"] == "complete"]
    best = (min if tuning.lower else max)(complete, key=lambda each: each["value"], default=None)
    results = {
        "kind": "study",
        "title": title,
        "experiment": tuning.entry,
        "preset": preset,
        "metric": tuning.metric,
        "lower_is_better": tuning.lower,
        "space": {name: str(over) for name, over in tuning.space.items()},
        "defaults": {name: value_of(tuning.experiment, name) for name in tuning.space},
        "default_trial": DEFAULT_TRIAL,
        "best": best and best["number"],
        "trials": trials,
        "importance": _importance(study, len(complete)),
        "chosen_on": chosen_on,
        "seed": tuning.seed,
        "steps": tuning.experiment.steps,
        "pruner": tuning.pruner,
        "study": place.name,
        "storage": Path(place.storage).name if "://" not in place.storage else place.storage,
        "command": command,
        "versions": {**versions(), "optuna": need_optuna().__version__},
    }
    return write_results(folder / STUDY, results)


def _importance(study: Any, complete: int) -> dict[str, float]:
    """How much of the variance of the value each option explains (functional ANOVA); empty where that is not known."""
    optuna = need_optuna()
    if complete < FEWEST:
        return {}
    try:
        found = optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0)
        )
    except (ValueError, RuntimeError):  # all trials have the same value
        return {}
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}
