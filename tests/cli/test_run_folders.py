"""A run folder on the command line: one writer, damage, longer runs, weights of others, `vestige verify`."""

import dataclasses
import functools
import json
import os
import shutil

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.experiments import Entry, Experiment
from vestige.models.spec import ModelSpec
from vestige.registries import registry
from vestige.storage.locking import FolderLock, Owner
from vestige.tasks import AbstractTask
from vestige.tasks.spec import TaskSpec
from vestige.training import AdamSpec, loop
from vestige.typing import Batch


class Line(eqx.Module):
    """Quick to compile."""

    at: jax.Array


def objective(model, example, *, key):
    loss = jnp.mean(jnp.square(model.at - example.inputs))
    return -loss, {"loss": loss}


class Numbers(AbstractTask):
    """Numbers around 3."""

    def batch(self, *, size, key):
        return Batch(3.0 + jax.random.normal(key, (size,)))

    def evaluate(self, model, *, size, key):
        return {"loss": jnp.mean(jnp.square(jnp.mean(model.at) - self.batch(size=size, key=key).inputs))}

    def bounds(self, metrics):
        return {"loss": {"best": 1.0}}


@dataclasses.dataclass(frozen=True)
class NumbersSpec(TaskSpec):
    """Numbers around 3."""

    provides = frozenset({"labels"})
    metric = "loss"

    def summary(self):
        return {"around": "3"}

    def build(self, *, seed):
        return Numbers()


@dataclasses.dataclass(frozen=True)
class LineSpec(ModelSpec):
    """Guesses."""

    size: int = 1
    """How many."""

    needs = "labels"
    provides = frozenset({"objective"})
    subject = "a guess"
    default_rule = {"name": "gradient"}
    default_optimiser = {"name": "adam", "rate": 0.1, "decay": "constant"}

    def objective(self, task):
        return objective

    def summary(self):
        return {"size": str(self.size)}

    def build(self, task, *, key):
        return Line(jnp.zeros(self.size))


@pytest.fixture(autouse=True)
def _numbers(monkeypatch):
    for contract, name, spec in (("task", "numbers", NumbersSpec()), ("model", "line", LineSpec())):
        monkeypatch.setitem(registry(contract)._parts, name, spec)
    small = Experiment(NumbersSpec(), LineSpec(), steps=5, batch_size=4, eval_size=8, num_evals=2)
    about = {"title": "Line", "summary": "which numbers", "system": "other", "paper": "none"}
    entry = Entry(
        name="line",
        **about,
        presets={"small": small},
        durations={"small": "no time"},
        published=lambda _: {},
    )
    monkeypatch.setitem(registry("experiment")._parts, entry.name, entry)


@pytest.fixture(autouse=True)
def _plain_pages(monkeypatch):
    """Without pictures, which take longer than the runs."""
    monkeypatch.setattr("vestige.report.run_page.shown_sections", lambda run: ([], []))


@pytest.fixture(scope="module", autouse=True)
def _programs_are_kept():
    """Each run is built once, and its update traced once."""
    build, advance = functools.cache(Experiment.build), functools.cache(loop.make_advance)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Experiment, "build", lambda self, *, seed, **_: build(self, seed=seed))
        patched.setattr(loop, "make_advance", advance)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Where a finished run is kept; made by the first test that asks for it."""
    return tmp_path_factory.mktemp("made") / "a"


@pytest.fixture
def done(run, made, tmp_path):
    """A finished run in the folder `a`."""
    if not made.exists():
        code, _, err = run("run", "line", "--out", made)
        assert code == 0, err
    return shutil.copytree(made, tmp_path / "a")


def results(folder):
    return json.loads((folder / "results.json").read_text())


def weights(folder, step):
    from vestige.training import Checkpoints

    return np.asarray(Checkpoints(folder / "checkpoints", fingerprint="").arrays(step)["model.at"])


class TestOneWriter:
    def test_a_second_one_is_refused_and_hears_who_is_there(self, run, done):
        (done / "results.json").unlink()
        with FolderLock(done):
            code, _, err = run("run", "line", "--out", "a", "--resume")
            assert code == 2 and f"a is being written by process {os.getpid()} on" in err
            assert run("evaluate", "a")[0] == run("report", "a")[0] == run("verify", "a")[0] == 0
        assert run("run", "line", "--out", "a", "--resume")[0] == 0

    def test_the_folder_of_a_comparison_too(self, run, tmp_path):
        with FolderLock(tmp_path / "c"):
            code, _, err = run("run", "line", "--seeds", 2, "--jobs", 1, "--out", "c", "--resume")
        assert code == 2 and f"process {os.getpid()}" in err and not (tmp_path / "c" / "line").exists()

    def test_the_lock_is_gone_in_the_end_and_no_lock_makes_a_folder_old(self, run, done, tmp_path):
        assert not (done / "lock.json").exists()
        (tmp_path / "b").mkdir()
        left = dataclasses.asdict(dataclasses.replace(Owner.here(tmp_path / "b"), pid=2**22 + 1))
        (tmp_path / "b" / "lock.json").write_text(json.dumps(left))
        code, out, err = run("run", "line", "--out", "b")
        assert code == 0, err
        assert f"process {2**22 + 1} on" in out and "taken over" in out

    def test_a_report_of_a_running_run_leaves_its_files_alone(self, run, done):
        (done / "results.json").unlink()
        before = (done / "evaluation.npz").read_bytes()
        assert run("report", "a")[0] == 0
        assert (done / "evaluation.npz").read_bytes() == before and (done / "evaluation-so-far.npz").is_file()
        assert run("run", "line", "--out", "a", "--resume")[0] == 0
        assert not (done / "evaluation-so-far.npz").exists()

    def test_a_run_that_was_taken_over_writes_no_more(self, done, monkeypatch):
        from vestige.errors import RunError
        from vestige.runs import evaluate, execute

        (done / "results.json").unlink()

        def taken(*arguments, **more):
            (done / "lock.json").unlink()
            return found(*arguments, **more)

        found = evaluate.evaluate
        monkeypatch.setattr("vestige.runs.execution.evaluate", taken)
        entry = registry("experiment").find("line")
        how = {"preset": "small", "command": "", "seed": 0, "folder": done, "resume": True}
        with pytest.raises(RunError, match="no longer written by this process"):
            execute(entry, entry.preset("small"), **how)
        assert not (done / "results.json").exists()


class TestDamage:
    @pytest.mark.parametrize("text", ["{}", "{", '{"metrics": {"loss": 1.0}, "updates": 5, "digest": "x"}'])
    def test_results_that_are_none_do_not_count_as_finished(self, run, done, text):
        whole = results(done)
        (done / "results.json").write_text(text)
        assert run("report", "a")[0] == 2
        code, out, err = run("run", "line", "--out", "a", "--resume")
        assert code == 0, err
        assert "results.json" in out and "set aside as results.json.damaged-1" in out
        assert results(done)["metrics"] == whole["metrics"]
        assert (done / "results.json.damaged-1").read_text() == text
        assert run("verify", "a")[0] == 0

    @pytest.mark.parametrize("name", ["metrics.jsonl", "evaluation.npz"])
    def test_a_file_that_is_not_that_of_the_results(self, run, done, name):
        whole = results(done)
        content = bytearray((done / name).read_bytes())
        content[len(content) // 2] ^= 1
        (done / name).write_bytes(bytes(content))
        code, out, _ = run("verify", "a")
        assert code == 1 and f"DAMAGED  {name}" in out
        code, _, err = run("report", "a")
        assert code == 0 and name in err
        code, out, err = run("run", "line", "--out", "a", "--resume")
        assert code == 0 and f"a/{name} changed since results.json was written" in out
        assert results(done)["metrics"] == whole["metrics"]
        assert (done / f"{name}.damaged-1").read_bytes() == bytes(content)
        assert run("verify", "a")[0] == 0

    def test_a_configuration_is_written_anew(self, run, done):
        whole = results(done)
        (done / "config.yaml").write_bytes((done / "config.yaml").read_bytes()[:-9])
        for command in ("evaluate", "report"):
            code, _, err = run(command, "a")
            assert code == 2 and "config.yaml is not what was written" in err
        code, out, err = run("run", "line", "--out", "a", "--resume")
        assert code == 0 and "set aside as config.yaml.damaged-1; written anew" in out
        assert results(done)["metrics"] == whole["metrics"] and run("verify", "a")[0] == 0

    def test_a_configuration_that_is_missing_too(self, run, done):
        whole = results(done)
        (done / "config.yaml").unlink()
        code, out, err = run("run", "line", "--out", "a", "--resume")
        assert code == 0 and "config.yaml is missing; written anew" in out, err
        assert results(done)["metrics"] == whole["metrics"] and run("verify", "a")[0] == 0

    def test_a_configuration_of_other_options_is_not(self, run, done):
        (done / "config.yaml").write_bytes(b"")
        code, _, err = run("run", "line", "--out", "a", "--resume", "--batch-size", 5)
        assert code == 2 and "belongs to another configuration" in err

    def test_evaluate_says_what_it_passed_over_in_json_too(self, run, done):
        (done / "checkpoints" / "5" / "manifest.json").write_text("{")
        code, out, err = run("evaluate", "a", "--json")
        assert code == 0 and json.loads(out)["updates"] == 4 and "checkpoints/5 is damaged" in err

    @pytest.mark.parametrize("text", ["{}", "{", None])
    def test_a_comparison_does_not_go_on_in_the_folder_of_a_run(self, run, done, text):
        """Whatever became of the results, the configuration says what the folder is."""
        if text is None:
            (done / "results.json").unlink()
        else:
            (done / "results.json").write_text(text)
        before = {path: path.read_bytes() for path in done.rglob("*") if path.is_file()}
        code, _, err = run("run", "line", "--seeds", 2, "--jobs", 1, "--out", done.name, "--resume")
        assert code == 2
        assert "holds a single run, not a comparison" in err
        assert before.items() <= {path: path.read_bytes() for path in done.rglob("*") if path.is_file()}.items()

    def test_results_of_a_comparison(self, run, tmp_path):
        arguments = ("run", "line", "--seeds", 2, "--jobs", 1, "--out", "c")
        assert run(*arguments)[0] == 0
        whole = results(tmp_path / "c")
        (tmp_path / "c" / "results.json").write_text("{}")
        code, out, err = run(*arguments, "--resume")
        assert code == 0, err
        assert "results.json" in err and "set aside as results.json.damaged-1" in err
        assert results(tmp_path / "c")["members"] == whole["members"]
        code, out, _ = run("verify", "c")
        assert code == 0 and "line/seed-1/checkpoints/5" in out


class TestVerify:
    def test_a_sound_one(self, run, done):
        before = {path: path.read_bytes() for path in done.rglob("*") if path.is_file()}
        code, out, _ = run("verify", "a")
        assert code == 0 and out.count("ok  ") == 8 and "DAMAGED" not in out
        code, out, _ = run("verify", "a", "--json")
        assert code == 0 and all(found["sound"] for found in json.loads(out))
        assert before == {path: path.read_bytes() for path in done.rglob("*") if path.is_file()}

    def test_everything_that_is_damaged_is_named_and_set_aside(self, run, done):
        whole = results(done)
        shutil.copytree(done / "checkpoints" / "3", done / "checkpoints" / "30")
        (done / "results.json").write_text("{}")
        (done / "metrics.jsonl").write_bytes((done / "metrics.jsonl").read_bytes()[:-9] + b"\n")
        (done / "lock.json").write_text("")
        code, out, _ = run("verify", "a")
        named = ("lock.json", "metrics.jsonl", "results.json", "checkpoints/30")
        assert code == 1 and out.count("DAMAGED") == 4 and all(f"DAMAGED  {name}" in out for name in named)
        code, out, _ = run("verify", "a", "--repair")
        assert code == 0 and "checkpoints/30: set aside as 30.damaged-1" in out
        assert run("verify", "a")[0] == 0
        code, out, _ = run("run", "line", "--out", "a", "--resume")
        assert code == 0 and results(done)["metrics"] == whole["metrics"]
        assert run("verify", "a")[0] == 0

    def test_a_folder_that_is_written_is_not_repaired(self, run, done):
        (done / "results.json").write_text("{}")
        with FolderLock(done):
            code, out, err = run("verify", "a", "--repair")
        assert code == 2 and f"process {os.getpid()}" in err and "held by" in out
        assert (done / "results.json").read_text() == "{}"

    def test_what_is_no_run(self, run, tmp_path):
        (tmp_path / "empty").mkdir()
        assert run("verify", "empty")[0] == run("verify", "nowhere")[0] == 2


class TestLonger:
    @pytest.mark.slow
    def test_it_ends_as_one_that_was_so_long_from_the_start(self, run, done, tmp_path):
        code, out, err = run("run", "line", "--out", "a", "--resume", "--steps", 8)
        assert code == 0, err
        assert "made longer: 8 updates instead of 5" in out
        assert run("run", "line", "--out", "b", "--steps", 8)[0] == 0
        assert results(done)["metrics"] == results(tmp_path / "b")["metrics"] and results(done)["updates"] == 8
        np.testing.assert_array_equal(weights(done, 8), weights(tmp_path / "b", 8))
        assert json.loads((done / "results.json.after-5-1").read_text())["updates"] == 5
        assert run("verify", "a")[0] == 0
        assert run("run", "line", "--out", "a", "--resume", "--steps", 8)[0] == 0
        assert run("run", "line", "--out", "a", "--resume", "--steps", 9)[0] == 0
        assert run("evaluate", "a")[0] == 0

    def test_only_where_it_was_said(self, run, done):
        code, _, err = run("run", "line", "--out", "a", "--resume", "--steps", 2)
        assert code == 2 and "can be made longer, not shorter" in err
        assert run("run", "line", "--out", "b", "--steps", 2)[0] == 0
        code, _, err = run("run", "line", "--out", "b", "--resume")
        assert code == 2 and "Give --steps 2 to go on with it, or more to make it longer" in err
        code, _, err = run("run", "line", "--out", "b", "--resume", "--steps", 8, "--batch-size", 5)
        assert code == 2 and "batch_size: there 4, here 5" in err

    @pytest.mark.parametrize("decay", ["cosine", "tenth"])
    def test_not_where_the_rate_depends_on_it(self, run, decay):
        arguments = ("run", "line", "--out", "d", "--optimiser.decay", decay)
        assert run(*arguments)[0] == 0
        code, _, err = run(*arguments, "--resume", "--steps", 8)
        assert code == 2 and "cannot be made longer than its 5 updates, for its learning rate falls" in err
        assert "--init-from d" in err


class TestInitFrom:
    def test_the_weights_are_those_of_the_other(self, run, done, tmp_path):
        code, _, err = run("run", "line", "--out", "b", "--steps", 0, "--init-from", "a")
        assert code == 0, err
        assert run("run", "line", "--out", "b2", "--steps", 1, "--optimiser.rate", 1e-30, "--init-from", "a")[0] == 0
        np.testing.assert_allclose(weights(tmp_path / "b2", 1), weights(done, 5), rtol=1e-6)
        recorded = (tmp_path / "b2" / "config.yaml").read_text()
        assert "init_from:" in recorded and "step: 5" in recorded and str(done) in recorded

    @pytest.mark.slow
    def test_going_on_needs_no_source(self, run, done, tmp_path):
        arguments = ("run", "line", "--out", "b", "--init-from", "a")
        assert run(*arguments)[0] == 0
        whole = results(tmp_path / "b")["metrics"]
        for name in ("results.json", "checkpoints/5"):
            path = tmp_path / "b" / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        code, _, err = run(*arguments, "--resume")
        assert code == 0, err
        assert results(tmp_path / "b")["metrics"] == whole
        shutil.rmtree(tmp_path / "b" / "checkpoints")
        (tmp_path / "b" / "results.json").unlink()
        code, _, err = run("run", "line", "--out", "b", "--resume")
        assert code == 0, err
        assert results(tmp_path / "b")["metrics"] == whole
        shutil.rmtree(tmp_path / "b" / "checkpoints")
        (tmp_path / "b" / "results.json").unlink()
        shutil.rmtree(done / "checkpoints")
        code, _, err = run("run", "line", "--out", "b", "--resume")
        assert code == 2 and "began with the weights of update 5" in err

    def test_models_must_agree(self, run, done):
        code, _, err = run("run", "line", "--out", "b", "--model.size", 2, "--init-from", "a")
        assert code == 2 and "at: there float32[1], here float32[2]" in err
        code, _, err = run("run", "line", "--out", "b", "--init-from", "nowhere")
        assert code == 2 and "nowhere: it is not a run folder" in err

    def test_another_beginning_is_another_run(self, run, done):
        assert run("run", "line", "--out", "b")[0] == 0
        code, _, err = run("run", "line", "--out", "b", "--resume", "--init-from", "a")
        assert code == 2 and "init_from: there nothing" in err


def test_which_optimisers_know_the_length_of_a_run():
    from vestige.training.optimisers import ByPartSpec, MassSpringDamperSpec, MuonSpec

    assert AdamSpec(decay="constant").bound_to(10, 20, rule=None) == ""
    assert MuonSpec(decay="constant").bound_to(10, 20, rule=None) == ""
    assert "cosine" in AdamSpec().bound_to(10, 20, rule=None)
    assert "epochs of the run" in MassSpringDamperSpec().bound_to(10, 20, rule=None)
    rules = registry("rule")
    constant = ByPartSpec(AdamSpec(decay="constant"), AdamSpec(decay="constant"))
    assert constant.bound_to(3000, 6000, rule=rules["pretrained"]) == ""
    assert constant.bound_to(3000, 6000, rule=rules["joint"]) == ""
    assert (
        constant.bound_to(2000, 6000, rule=rules["pretrained"]) != ""
    )  # the memory learns in all of one, in part of one
    cosine = ByPartSpec(AdamSpec(), AdamSpec(decay="constant"))
    assert cosine.bound_to(3000, 6000, rule=rules["pretrained"]) == ""  # of the memory, whose turn is as long in both
    assert "of the memory" in cosine.bound_to(3000, 6000, rule=rules["joint"])
