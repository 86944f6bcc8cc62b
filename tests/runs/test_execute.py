import dataclasses
import json
import shutil

import numpy as np
import pytest
import yaml

from vestige.errors import RunError, UsageError
from vestige.registries import registry
from vestige.runs.comparison import compare, spread, summarise
from vestige.runs.execution import execute
from vestige.runs.folder import write_json
from vestige.runs.restoring import load

ENTRY = registry("experiment").find("perfect-recall")


@pytest.fixture(scope="module")
def performed(tmp_path_factory, tiny, how):
    folder = tmp_path_factory.mktemp("performed") / "run"
    return folder, execute(ENTRY, tiny, seed=3, folder=folder, **how)


@pytest.fixture
def finished(performed, tmp_path):
    """The run in a folder of the test's own, and its results."""
    folder, results = performed
    return shutil.copytree(folder, tmp_path / "run"), results


def test_the_folder_is_complete(finished):
    folder, results = finished
    stored = json.loads((folder / "results.json").read_text())
    assert stored == json.loads(json.dumps(results))
    assert {"metrics", "published", "bounds", "seconds", "updates", "command", "versions"} <= stored.keys()
    bounds = {"negative_bound", "negative_bound_recall", "negative_iw_bound"}
    assert {"kl_recall", "kl_fresh", "kl_last"} | bounds == stored["metrics"].keys()
    assert stored["updates"] == 12
    assert stored["bounds"]["kl_recall"] == {"best": 0.0, "chance": stored["metrics"]["kl_fresh"]}
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["seed"] == 3
    assert config["schema"] == 2
    assert config["options"]["model"] == {"name": "gtmm", "latent_size": 4, "controller_size": 16, "width": 16}
    assert config["all_options"]["model.memory"] == "introspection"
    assert config["all_options"]["batch_size"] == 4
    assert config["plugins"] == {}
    assert config["versions"]["jax"]
    assert config["parameters"] > 0
    arrays = np.load(folder / "evaluation.npz")
    assert arrays["kl_per_frame"].shape == (5,)
    assert arrays["sampled"].shape == arrays["continued"].shape == (4, 5, 8, 8)
    assert arrays["read_weights"].shape == (5, 1, 5)
    assert arrays["read_gates"].shape == (5, 1, 4)
    np.testing.assert_array_equal(arrays["continued"][:, :3], arrays["frames"][:, :3])


def test_the_importance_weighted_bound_is_tighter(finished):
    metrics = finished[1]["metrics"]
    assert metrics["negative_iw_bound"] <= metrics["negative_bound"]


def test_an_existing_folder_is_left_alone(finished, tiny, how):
    folder, _ = finished
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="exists. Choose another --out, or pass --resume"):
        execute(ENTRY, tiny, seed=3, folder=folder, **how)
    other = dataclasses.replace(tiny, batch_size=5)
    with pytest.raises(UsageError, match=r"batch_size: there 4, here 5"):
        execute(ENTRY, other, seed=3, folder=folder, resume=True, **how)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_resuming_a_finished_run_returns_its_results(finished, tiny, how):
    folder, results = finished
    again = execute(ENTRY, tiny, seed=3, folder=folder, resume=True, **how)
    assert again["metrics"] == results["metrics"]


@pytest.mark.slow
def test_resuming_after_losing_the_results_repeats_them_bit_for_bit(finished, tiny, how):
    folder, results = finished
    (folder / "results.json").unlink()
    (folder / "evaluation.npz").unlink()
    assert execute(ENTRY, tiny, seed=3, folder=folder, resume=True, **how)["metrics"] == results["metrics"]


def test_a_stored_run_comes_back(finished, tiny):
    run = load(finished[0])
    assert run.experiment == tiny
    assert run.step == 12
    assert run.notices == []


def test_not_a_run_folder(tmp_path):
    with pytest.raises(UsageError, match="is not a folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"has no config\.yaml"):
        load(tmp_path)
    (tmp_path / "config.yaml").write_text("[1, 2")
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path)


def test_a_run_without_a_checkpoint(finished):
    shutil.rmtree(finished[0] / "checkpoints")
    with pytest.raises(UsageError, match="no checkpoint that can be read"):
        load(finished[0])


def test_json_holds_null_for_what_is_not_a_number(tmp_path):
    write_json(tmp_path / "x.json", {"a": float("nan"), "b": [1.0, float("inf")]})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": None, "b": [1.0, None]}


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    monkeypatch.setattr("os.fsync", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(RunError, match="cannot write .*x.json: No space left"):
        write_json(path, {"a": 2})
    monkeypatch.undo()
    assert json.loads(path.read_text()) == {"a": 1}


class TestCompare:
    def members(self, tiny):
        return {"introspection": tiny, "none": tiny.choose({"model.memory": "none"})}

    @pytest.mark.slow
    @pytest.mark.exhaustive
    def test_medians_over_seeds_and_resuming(self, tmp_path, tiny, how):
        performed = []

        def perform(plan):
            performed.append([(run.entry, run.folder.parent.name, run.seed) for run in plan])
            for run in plan:
                execute(
                    ENTRY, run.experiment, seed=run.seed, folder=run.folder, **{**how, "resume": len(performed) == 2}
                )

        arguments = {
            "vary": "memory",
            "seeds": [0, 1],
            "folder": tmp_path / "c",
            "command": "",
            "perform": perform,
        }
        results = compare(ENTRY, self.members(tiny), **arguments)
        assert list(results["members"]) == ["introspection", "none"]
        member = results["members"]["none"]
        assert member["runs"] == ["none/seed-0", "none/seed-1"]
        values = member["metrics"]["kl_last"]["values"]
        assert member["metrics"]["kl_last"]["median"] == pytest.approx(np.median(values))
        counts = [m["parameters"] for m in results["members"].values()]
        assert abs(counts[0] - counts[1]) <= 0.015 * counts[0]
        assert performed == [[(ENTRY.name, name, seed) for seed in (0, 1) for name in ("introspection", "none")]]
        with pytest.raises(UsageError, match="exists"):
            compare(ENTRY, self.members(tiny), **arguments)
        (tmp_path / "c" / "none" / "seed-1" / "results.json").unlink()
        again = compare(ENTRY, self.members(tiny), resume=True, **arguments)
        assert again["members"]["none"]["metrics"] == member["metrics"]

    def test_spread(self):
        assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "low": 1.0, "high": 3.0, "values": [3.0, 1.0, 2.0]}

    def test_seeds_of_which_something_is_not_known(self):
        """A level that no task can tell, and a metric that was not a number."""
        assert spread([3.0, None, 2.0]) == {"median": 2.5, "low": 2.0, "high": 3.0, "values": [3.0, None, 2.0]}
        assert spread([None, None]) == {"median": None, "low": None, "high": None, "values": [None, None]}
        told = {"seconds": 1.0, "milliseconds": 1.0, "peak_rss_bytes": 1, "updates": 1, "parameters": 1}
        results = {"metrics": {"mse": None}, "published": {}, "bounds": {"mse": {"best": None, "chance": 2.0}}, **told}
        summary = summarise({"a": results, "b": results})
        assert summary["bounds"] == {"mse": {"best": None, "chance": 2.0}}
        assert summary["metrics"]["mse"]["median"] is None
