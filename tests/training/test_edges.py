"""Sinks, callbacks and early stopping: what a user adds to a run."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vestige.errors import RunError
from vestige.training import AbstractCallback, Cadence, EarlyStopping, Run, fit
from vestige.training.checkpoints import Checkpoints
from vestige.training.early_stopping import Patience
from vestige.training.progress import Silent
from vestige.training.sinks import AbstractSink, read_records

CADENCE = Cadence(log_every=10, checkpoint_every=20, evaluate_every=10, evaluation_size=64)
TURNS = optax.sgd(lambda count: jnp.where(count < 30, 0.05, -0.05))
"""Learns for thirty updates, and unlearns from then on."""


def fitted(parts, steps=100, **more):
    arguments = {"cadence": CADENCE, **parts, **more}
    return fit(arguments.pop("model"), arguments.pop("task"), steps=steps, **arguments)


def same(a, b):
    for x, y in zip(*(jax.tree.leaves(eqx.filter(each, eqx.is_array)) for each in (a, b)), strict=True):
        np.testing.assert_array_equal(x, y)


def error_of(parts, model):
    batch = parts["task"].batch(size=256, key=jax.random.key(9))
    return float(jnp.mean((jax.vmap(model)(batch.inputs) - batch.targets) ** 2))


class Notes(Silent):
    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)


class Kept(AbstractSink):
    def __init__(self, fails_at=None):
        self.records, self.closed, self.fails_at = [], 0, fails_at

    def write(self, record):
        if self.fails_at == record["step"]:
            raise OSError("the server is gone")
        self.records.append(record)

    def close(self):
        self.closed += 1


class Following(AbstractCallback):
    def __init__(self):
        self.calls = []

    def on_log(self, record):
        self.calls.append(("log", record["step"]))

    def on_evaluation(self, record, model):
        self.calls.append(("evaluation", record["step"]))

    def on_checkpoint(self, step, folder):
        self.calls.append(("checkpoint", step, (folder / "manifest.json").is_file()))

    def on_end(self, fit):
        self.calls.append(("end", int(fit.state.step)))


class EndsAt(AbstractCallback):
    def __init__(self, step):
        self.step = step

    def on_log(self, record):
        return record["step"] >= self.step


class Fails(AbstractCallback):
    def on_log(self, record):
        if record["step"] == 30:
            raise KeyError("nothing of that name")


def test_a_sink_receives_the_log_and_is_closed(parts, tmp_path):
    sink = Kept()
    found = fitted(parts, steps=30, sinks=[sink], run=Run(tmp_path / "run"))
    assert sink.records == found.history and sink.closed == 1
    assert sink.records == read_records(tmp_path / "run" / "metrics.jsonl")


def test_a_sink_that_fails_is_left_out_by_name_and_the_run_goes_on(parts):
    bad, good, notes = Kept(fails_at=20), Kept(), Notes()
    found = fitted(parts, steps=30, sinks=[bad, good], progress=notes)
    assert good.records == found.history and int(found.state.step) == 30
    assert [record["step"] for record in bad.records] == [10, 10] and bad.closed == 1
    said = [text for text in notes.said if text.startswith("sink")]
    assert said == ["sink Kept failed at update 20 and gets no more records: OSError: the server is gone"]


def test_callbacks_follow_the_run_in_order(parts, tmp_path):
    callback = Following()
    fitted(parts, steps=20, callbacks=[callback], run=Run(tmp_path / "run"))
    assert callback.calls == [
        ("log", 10),
        ("evaluation", 10),
        ("log", 20),
        ("evaluation", 20),
        ("checkpoint", 20, True),
        ("end", 20),
    ]


def test_a_callback_ends_the_run_at_a_checkpoint_and_it_can_go_on(parts, tmp_path):
    run = Run(tmp_path / "run")
    found = fitted(parts, callbacks=[EndsAt(30)], run=run)
    assert int(found.state.step) == 30 and found.stopped == "stopped by callback EndsAt after update 30"
    assert Checkpoints(tmp_path / "run" / "checkpoints", fingerprint="").steps()[0] == 30
    same(fitted(parts, run=run).model, fitted(parts).model)


def test_an_error_in_a_callback_is_named_and_corrupts_nothing(parts, tmp_path):
    run, callback = Run(tmp_path / "run"), Following()
    with pytest.raises(RunError, match=r"callback Fails\.on_log failed at update 30: KeyError: 'nothing of that name'"):
        fitted(parts, callbacks=[callback, Fails()], run=run)
    assert callback.calls[-1][:2] == ("log", 30)  # no end
    assert Checkpoints(tmp_path / "run" / "checkpoints", fingerprint="").steps()[0] == 30
    same(fitted(parts, run=run).model, fitted(parts).model)


STOPPING = EarlyStopping("error", "lower", patience=3)


def test_patience_ends_the_run_with_the_best_model(parts):
    parts["optimiser"] = TURNS
    found = fitted(parts, steps=200, stopping=STOPPING)
    errors = {record["step"]: record["error"] for record in found.history if record["kind"] == "evaluate"}
    best = min(errors, key=errors.__getitem__)
    assert best == 30 and int(found.state.step) == 60
    assert "error has not improved over 3 evaluations; the model is that of update 30" in found.stopped
    assert error_of(parts, found.model) == error_of(parts, fitted(parts, steps=30).model)


def test_the_best_model_is_kept_where_the_last_update_comes_first(parts):
    parts["optimiser"] = TURNS
    found = fitted(parts, steps=50, stopping=STOPPING)
    assert found.stopped == "" and int(found.state.step) == 50
    assert error_of(parts, found.model) == error_of(parts, fitted(parts, steps=30).model)


@pytest.mark.parametrize("killed_at", [30, 50])
def test_its_state_survives_a_kill(parts, tmp_path, killed_at):
    parts["optimiser"] = TURNS
    run = Run(tmp_path / "run", keep=1)
    fitted(parts, steps=200, stopping=STOPPING, callbacks=[EndsAt(killed_at)], run=run)
    steps = Checkpoints(tmp_path / "run" / "checkpoints", fingerprint="").steps()
    assert steps == sorted({killed_at, 30}, reverse=True)  # the best one is not pruned
    again = fitted(parts, steps=200, stopping=STOPPING, run=run)
    whole = fitted(parts, steps=200, stopping=STOPPING)
    assert again.stopped == whole.stopped and int(again.state.step) == 60
    same(again.model, whole.model)
    stays = fitted(parts, steps=200, stopping=STOPPING, run=run)
    assert stays.history == [] and int(stays.state.step) == 60
    same(stays.model, whole.model)


def test_a_best_checkpoint_that_is_lost_is_said(parts, tmp_path):
    import shutil

    parts["optimiser"] = TURNS
    run = Run(tmp_path / "run")
    fitted(parts, steps=200, stopping=STOPPING, callbacks=[EndsAt(50)], run=run)
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "30")
    notes = Notes()
    fitted(parts, steps=200, stopping=STOPPING, run=run, progress=notes)
    assert any("best evaluation, 30, is missing or damaged" in text for text in notes.said)


def test_an_unknown_metric_is_refused_with_the_nearest(parts):
    with pytest.raises(RunError, match="no metric 'eror'. Did you mean 'error'"):
        fitted(parts, stopping=EarlyStopping("eror"))


@pytest.mark.parametrize(
    ("direction", "min_delta", "values", "waited", "best"),
    [
        ("lower", 0.0, [3.0, 2.0, 2.0, 2.5], 2, 20),
        ("higher", 0.0, [3.0, 2.0, 4.0], 0, 30),
        ("lower", 0.5, [3.0, 2.6, 2.4], 0, 30),
        ("lower", 0.5, [3.0, 2.6], 1, 10),
        ("lower", 0.0, [None, float("nan"), 1.0, float("inf")], 1, 30),
    ],
)
def test_what_counts_as_an_improvement(direction, min_delta, values, waited, best):
    patience = Patience(EarlyStopping("m", direction, patience=2, min_delta=min_delta))
    for number, value in enumerate(values, 1):
        patience.see({"kind": "train", "step": 10 * number, "seconds": 0.0})
        patience.see({"kind": "evaluate", "step": 10 * number, "seconds": 0.0, "m": value})
    assert (patience.waited, patience.best_step) == (waited, best)
    assert patience.exhausted == (waited >= 2)
    json.dumps(patience.best)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"metric": ""}, "metric must name"),
        ({"direction": "up"}, "direction must be lower or higher, got up"),
        ({"patience": 0}, "patience must be at least 1, got 0"),
        ({"min_delta": -1.0}, "min_delta must be finite"),
    ],
)
def test_settings_that_are_none_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        EarlyStopping(**{"metric": "error", **wrong})
