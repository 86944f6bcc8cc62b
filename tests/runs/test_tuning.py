"""Studies: what trials are made, and what is noted of them. Runs are stood in for by a function of their options."""

import dataclasses
import itertools
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.running import TINY

from vestige.errors import RunError, UsageError
from vestige.report import write_report
from vestige.report.study import read_study
from vestige.report.verdict import verdict_of
from vestige.runs.tuning.place import Place
from vestige.runs.tuning.study import Tuning, open_study, upcoming
from vestige.runs.tuning.summary import STUDY, summarise
from vestige.runs.tuning.trial import carry_out
from vestige.search import Integers, Reals
from vestige.training.interrupts import Interrupted

optuna = pytest.importorskip("optuna", reason="Optuna, vestige[tune], is not installed")

SPACE = {"optimiser.rate": Reals(1e-4, 1e-1, log=True), "batch_size": Integers(1, 8)}
TUNING = Tuning("perfect-recall", TINY, SPACE, "kl_last", True, 0, 8, "none")
BEST_RATE = 1e-2


def value_of(experiment) -> float:
    """Least where the rate is BEST_RATE."""
    return math.log10(experiment.optimiser.rate / BEST_RATE) ** 2 + 0.01 * experiment.batch_size


@pytest.fixture
def runs(monkeypatch):
    """Stands in for `execute`; `outcome` may be replaced, and gets experiment and number of the call."""
    found = SimpleNamespace(calls=[], outcome=lambda experiment, call: value_of(experiment))

    def execute(entry, experiment, *, seed, folder, callbacks, **_):
        call = len(found.calls)
        found.calls.append(folder.name)
        value = found.outcome(experiment, call)
        if isinstance(value, Exception):
            raise value
        curve = value if isinstance(value, list) else [value] * 4
        for step, at in zip((3, 6, 9, 12), curve, strict=False):
            if any(each.on_evaluation({"kind": "evaluate", "step": step, "kl_last": at}, None) for each in callbacks):
                break
        return {"metrics": {"kl_last": at}, "seconds": 1.0, "updates": step, "seed": seed}

    monkeypatch.setattr("vestige.runs.execution.execute", execute)
    return found


def studied(folder: Path, tuning: Tuning = TUNING, place: Place | None = None):
    folder.mkdir(exist_ok=True)
    place = place or Place.of(None, "study", folder)
    study = open_study(tuning, place)
    try:
        for trial in upcoming(tuning, place, study, folder):
            carry_out(trial, {})
    finally:
        about = {"title": "A task", "preset": "small", "chosen_on": "what it was", "command": "vestige tune"}
        summarise(tuning, place, study, folder, **about)
    return read_study(folder)


def told(study):
    return [(each.state, each.value, dict(each.options)) for each in study.trials]


def test_the_first_trial_has_the_default_options_and_the_best_is_found(runs, tmp_path):
    study = studied(tmp_path / "a")
    assert len(study.trials) == 8 and runs.calls == [f"trial-{number:04d}" for number in range(8)]
    assert study.default.options == {"optimiser.rate": 1e-3, "batch_size": 4}
    values = [each.value for each in study.trials]
    assert study.best.value == min(values) and study.complete[-1].value == max(values)
    assert study.options_of(study.best).keys() == SPACE.keys()
    assert all(each.options["batch_size"] in SPACE["batch_size"] for each in study.trials)


def test_a_default_outside_what_is_searched_is_a_trial_all_the_same(runs, tmp_path):
    tuning = dataclasses.replace(TUNING, space={**SPACE, "batch_size": Integers(6, 8)}, trials=3)
    study = studied(tmp_path / "a", tuning)
    assert study.default.options == {"optimiser.rate": 1e-3}
    assert study.options_of(study.default)["batch_size"] == 4
    assert study.default.value == pytest.approx(1.04)


def test_the_same_seed_gives_the_same_study(runs, tmp_path):
    first, second = told(studied(tmp_path / "a")), told(studied(tmp_path / "b"))
    other = told(studied(tmp_path / "c", dataclasses.replace(TUNING, seed=1)))
    assert first == second
    assert first[0] == other[0] and first[1:] != other[1:]


def test_a_study_that_was_cut_goes_on_as_if_it_had_not_been(runs, tmp_path):
    whole = told(studied(tmp_path / "a"))
    runs.calls.clear()
    runs.outcome = lambda experiment, call: Interrupted("stopped") if call == 3 else value_of(experiment)
    with pytest.raises(Interrupted):
        studied(tmp_path / "b")
    assert [each.state for each in read_study(tmp_path / "b").trials] == ["complete"] * 3 + ["running"]
    assert told(studied(tmp_path / "b")) == whole
    assert runs.calls.count("trial-0003") == 2 and len(runs.calls) == 9


def test_a_trial_that_was_noted_is_not_run_again(runs, tmp_path):
    """A process may be lost after its trial was noted, and its task be begun again."""
    place = Place.of(None, "study", tmp_path)
    trial = next(upcoming(TUNING, place, open_study(TUNING, place), tmp_path))
    carry_out(trial, {})
    carry_out(trial, {})
    assert len(runs.calls) == 1


def test_more_trials_go_on_with_a_finished_study(runs, tmp_path):
    studied(tmp_path / "a", dataclasses.replace(TUNING, trials=3))
    assert told(studied(tmp_path / "a")) == told(studied(tmp_path / "b"))


def test_failures_are_noted_and_end_nothing(runs, tmp_path):
    outcomes = {1: RunError("update 7 is not finite: encoder"), 2: UsageError("too large"), 3: math.nan}
    runs.outcome = lambda experiment, call: outcomes.get(call, value_of(experiment))
    study = studied(tmp_path / "a")
    assert [each.state for each in study.trials] == ["complete", "fail", "fail", "fail", *["complete"] * 4]
    errors = [each.error for each in study.trials]
    assert errors[1] == "update 7 is not finite: encoder" and errors[2] == "too large"
    assert errors[3] == "kl_last is no finite number at the end"
    assert "5 went to the end, 3 failed" in " ".join(answer.text for answer in verdict_of(tmp_path / "a").answers)


def test_options_that_do_not_go_together_are_a_failed_trial(runs, tmp_path):
    tuning = dataclasses.replace(TUNING, space={"task.l": Integers(-2, 3)}, trials=8)
    study = studied(tmp_path / "a", tuning)
    failed = [each for each in study.trials if each.state == "fail"]
    assert failed and all(each.error and each.options["task.l"] < 2 for each in failed)
    assert len(study.trials) == 8


def test_default_options_that_are_refused_end_the_study(runs, tmp_path):
    runs.outcome = lambda experiment, call: UsageError("no such file")
    with pytest.raises(UsageError, match="no such file"):
        studied(tmp_path / "a")


@pytest.mark.parametrize("pruner", ["median", "halving"])
def test_trials_that_promise_little_are_ended_and_the_default_never_is(runs, tmp_path, pruner):
    curves = {0: [9.0, 9.0, 9.0, 9.0]}
    runs.outcome = lambda experiment, call: curves.get(call, [1.0 + call] * 4 if call < 7 else [50.0] * 4)
    study = studied(tmp_path / "a", dataclasses.replace(TUNING, pruner=pruner, trials=9))
    assert study.default.state == "complete" and study.default.updates == 12
    assert [each.state for each in study.trials[7:]] == ["pruned", "pruned"]
    assert all(each.updates < 12 and each.value == 50.0 for each in study.trials[7:])
    assert all(each.state != "pruned" for each in studied(tmp_path / "b").trials)


def test_the_default_options_are_not_ended_where_others_were_better_before(runs, tmp_path):
    """As with several jobs, where the first to begin may be the last to end."""
    tuning, place = dataclasses.replace(TUNING, pruner="median"), Place.of(None, "study", tmp_path)
    study = open_study(tuning, place)
    first, *others = itertools.islice(upcoming(tuning, place, study, tmp_path), 7)
    runs.outcome = lambda experiment, call: [1.0 + call] * 4 if call < 6 else [50.0] * 4
    for trial in (*others, first):
        carry_out(trial, {})
    found = study.get_trials()[0]
    assert (found.number, found.state.name, found.value) == (0, "COMPLETE", 50.0)


def test_another_search_is_refused_in_the_same_study(runs, tmp_path):
    studied(tmp_path, dataclasses.replace(TUNING, trials=1))
    for changed in ({"seed": 1}, {"space": {"batch_size": Integers(1, 9)}}, {"metric": "kl_recall"}):
        with pytest.raises(UsageError, match="has another experiment"):
            studied(tmp_path, dataclasses.replace(TUNING, **changed))


def test_two_folders_share_a_study_in_a_database(runs, tmp_path):
    url = f"sqlite:///{tmp_path}/studies.db"
    for name, trials in (("a", 3), ("b", 5)):
        folder = tmp_path / name
        study = studied(folder, dataclasses.replace(TUNING, trials=trials), Place.of(url, "shared", folder))
    assert [each.folder for each in study.trials] == [
        *(f"{tmp_path}/a/trial-000{number}" for number in range(3)),
        "trial-0003",
        "trial-0004",
    ]
    assert [each.page for each in study.trials] == [None] * 3 + ["trial-0003", "trial-0004"]


@pytest.mark.parametrize(
    ("storage", "text"),
    [
        ("studies.db", "--storage must be the URL of a database"),
        ("postgresql+psycopg://me:secret@127.0.0.1/x", "--storage must hold no password"),
        ("swan://127.0.0.1/x", "does not answer, or refuses"),
        ("sqlite:////nowhere/at/all.db", "does not answer, or refuses"),
        ("mysql+mysqldb://127.0.0.1/x", "its driver is not installed"),
    ],
)
def test_a_storage_that_is_none_is_named(tmp_path, storage, text):
    with pytest.raises(UsageError, match=text) as raised:
        Place.of(storage, "x", tmp_path).connect()
    assert "secret" not in str(raised.value)


def test_the_verdict_says_what_was_gained_and_that_it_is_optimistic(runs, tmp_path):
    study = studied(tmp_path / "a")
    verdict = verdict_of(tmp_path / "a")
    gain = study.default.value - study.best.value
    assert f"in trial {study.best.number}, the best of 8 trials, and 1.04" in verdict.sentence
    assert f"better by {gain:.3g}" in verdict.sentence and f"{gain / study.default.value:.0%} of it" in verdict.sentence
    assert "optimistic" in verdict.caveats[0]
    assert verdict.commands == (f"vestige run RUN/trial-000{study.best.number}/config.yaml --seed 1 --seeds 3",)
    assert verdict.answers[-1].text.startswith("optimiser.rate explains ")
    page = write_report(tmp_path / "a").read_text()
    for text in ("History", "What mattered", "default options", verdict.sentence, "trial-0003/report.html"):
        assert text in page


def test_no_gain_is_said_as_such(runs, tmp_path):
    runs.outcome = lambda experiment, call: float(call)
    studied(tmp_path / "a", dataclasses.replace(TUNING, trials=3))
    verdict = verdict_of(tmp_path / "a")
    assert verdict.sentence.startswith("None of 3 trials is better than the default options:")
    assert not verdict.caveats
    runs.calls.clear()
    runs.outcome = lambda experiment, call: RunError("no")
    studied(tmp_path / "b", dataclasses.replace(TUNING, trials=2))
    assert verdict_of(tmp_path / "b").sentence == "No trial of 2 has a result; 2 failed."
    assert "failed; no" in write_report(tmp_path / "b").read_text()


def test_higher_may_be_better(runs, tmp_path):
    study = studied(tmp_path / "a", dataclasses.replace(TUNING, lower=False))
    assert study.best.value == max(each.value for each in study.trials)


def test_a_damaged_study_is_named(runs, tmp_path):
    studied(tmp_path / "a", dataclasses.replace(TUNING, trials=1))
    path = tmp_path / "a" / STUDY
    path.write_text(path.read_text().replace('"best": 0', '"best": 1'))
    with pytest.raises(UsageError, match="its digest differs"):
        verdict_of(tmp_path / "a")
