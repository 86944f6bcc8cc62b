"""Training on files: a run cut in mid-stream is the same run, and files at fault end it in a sentence."""

import os

import jax
import numpy as np
import optax
import pytest

from tests.drawn import drawn
from tests.rules.longterm import token_model
from tests.sequences.files import npy
from vestige.errors import RunError
from vestige.rules import Truncated
from vestige.tasks.longterm import Stream
from vestige.training import Cadence, Run, fit
from vestige.training.interrupts import Interrupted

from .test_fit import Stopping, assert_identical

CADENCE = Cadence(log_every=4, checkpoint_every=16, evaluate_every=16, evaluation_size=3)


def written(folder, length=400, seed=0):
    """A token, and which token of 5 stood 3 steps before."""
    folder.mkdir(exist_ok=True)
    tokens = np.random.default_rng(seed).integers(0, 5, length + 3).astype(np.uint8)
    return npy(folder, tokens[3:], tokens[:-3])


def task_in(folder, segment=None):
    """The files are opened anew each time, as after a restart."""
    return Stream(written(folder / "train"), written(folder / "held", 90, 1), segment, tokens=6, classes=5)


def trained(task, *, steps, evaluate=True, **more):
    cadence = CADENCE if evaluate else Cadence(log_every=4)
    model = drawn(lambda key: token_model(key=key))
    parts = {"rule": Truncated(7), "optimiser": optax.adam(3e-3), "key": jax.random.key(1), "batch_size": 4}
    return fit(model, task, steps=steps, cadence=cadence, **parts, **more)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """24 updates on lanes, never stopped."""
    return trained(task_in(tmp_path_factory.mktemp("whole")), steps=24)


@pytest.mark.slow
def test_a_run_cut_in_mid_stream_is_the_same_run(whole, tmp_path):
    with pytest.raises(Interrupted):
        trained(task_in(tmp_path), steps=24, run=Run(tmp_path / "cut"), progress=Stopping(9))
    rest = trained(task_in(tmp_path), steps=24, run=Run(tmp_path / "cut"))
    assert_identical(whole.state, rest.state)
    assert rest.state.carry.offset.tolist() == [(24 - 15) * 7] * 4  # a lane of 100 steps is 15 rollouts of 7
    assert rest.state.carry.sequence.begin[:, 1].tolist() == [0, 100, 200, 300]
    evaluations = [line for line in whole.history if line["kind"] == "evaluate"]
    assert [line["step"] for line in evaluations] == [16, 24] and 0 < evaluations[-1]["cross_entropy"] < 3


@pytest.mark.slow
def test_segments_too_are_the_same_after_a_restart(tmp_path):
    rollouts = {"steps": 8, "evaluate": False}
    whole = trained(task_in(tmp_path, 30), **rollouts)
    trained(task_in(tmp_path, 30), **{**rollouts, "steps": 6}, run=Run(tmp_path / "cut"))
    rest = trained(task_in(tmp_path, 30), **rollouts, run=Run(tmp_path / "cut"))
    assert_identical(whole.state, rest.state)
    assert set(rest.state.carry.offset.tolist()) == {3 * 7}  # of the second segment: the first took 5 rollouts


class TestFilesAtFault:
    """One sentence, and nothing of what is on disk is lost."""

    @pytest.fixture
    def task(self, tmp_path):
        return task_in(tmp_path)

    @pytest.mark.slow
    def test_a_file_that_shrinks_in_mid_run(self, whole, task, tmp_path, caplog):
        class Cutting(Stopping):
            def update(self, step, metrics):
                if step >= self.at and not self.sent:
                    self.sent = True
                    self.content = (tmp_path / "train" / "x.npy").read_bytes()
                    os.truncate(tmp_path / "train" / "x.npy", 300)

        progress = Cutting(16)
        with pytest.raises(RunError) as caught:
            trained(task, steps=30, run=Run(tmp_path / "run"), progress=progress)
        message = str(caught.value)
        assert "x.npy" in message and "has shrunk" in message and "of 400 steps 172 are there. The newest" in message
        newest = max(int(path.name) for path in (tmp_path / "run" / "checkpoints").iterdir())
        assert newest == 16 and str(tmp_path / "run" / "checkpoints" / str(newest)) in message
        assert "--resume" in message and "\n" not in message and "Traceback" not in message
        assert caught.value.__cause__ is None and caught.value.__suppress_context__
        assert "pure_callback" not in caplog.text  # where JAX would log a traceback
        (tmp_path / "train" / "x.npy").write_bytes(
            progress.content
        )  # put right, the run goes on as if nothing had been
        rest = trained(task_in(tmp_path), steps=24, run=Run(tmp_path / "run"))
        assert_identical(rest.state, whole.state)

    @pytest.mark.slow
    def test_without_a_folder(self, task, tmp_path):
        os.truncate(tmp_path / "train" / "y.npy", 300)
        with pytest.raises(RunError, match=r"has shrunk.* There is no run folder, so nothing of this run is kept"):
            trained(task, steps=4)

    @pytest.mark.slow
    def test_before_the_first_checkpoint(self, task, tmp_path):
        os.truncate(tmp_path / "train" / "y.npy", 300)
        with pytest.raises(RunError, match=r"has shrunk.* No checkpoint had been written yet"):
            trained(task, steps=4, run=Run(tmp_path / "run"))

    @pytest.mark.slow
    def test_at_an_evaluation(self, task, tmp_path):
        os.truncate(tmp_path / "held" / "y.npy", 140)
        with pytest.raises(RunError, match=r"held/y\.npy: it has shrunk.*No checkpoint had been written yet"):
            trained(task, steps=24, run=Run(tmp_path / "run"))

    @pytest.mark.slow
    def test_other_errors_stay_what_they_are(self, task):
        with pytest.raises(ValueError, match=r"count must be in 1\.\.90"):
            fit(
                drawn(lambda key: token_model(key=key)), task, rule=Truncated(7), optimiser=optax.sgd(0.1), steps=2,
                key=jax.random.key(1), batch_size=2, cadence=Cadence(evaluate_every=1),
            )  # fmt: skip
