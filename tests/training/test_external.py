"""Sinks of other programs. Where those are not installed, the adapters meet a recorded minimum of their interfaces."""

import importlib.util
import json
import sys
import types

import pytest

from vestige.errors import UsageError
from vestige.training.external.naming import EXTERNAL, check_sinks, external_sinks

CONFIG = {"experiment": "toy-matching", "preset": "small", "seed": 1, "all_options": {"steps": 20, "task.n": 3}}
LINES = [
    {"kind": "train", "step": 10, "seconds": 1.0, "loss": 2.0, "skipped": 0.0},
    {"kind": "evaluate", "step": 20, "seconds": 2.0, "loss": 1.5, "odd": float("nan"), "none": None},
]


def needs(name):
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed")


@pytest.fixture
def fake_mlflow(monkeypatch):
    """The part of MLflow's client that the adapter calls."""
    calls = []

    class Client:
        def __init__(self, tracking_uri):
            calls.append(("open", tracking_uri))

        def get_experiment_by_name(self, name):
            return None

        def create_experiment(self, name):
            return f"number of {name}"

        def create_run(self, experiment, run_name):
            calls.append(("run", experiment, run_name))
            return types.SimpleNamespace(info=types.SimpleNamespace(run_id="r1"))

        def __getattr__(self, name):
            return lambda *args, **more: calls.append((name, *args, more))

    mlflow, entities, tracking = (types.ModuleType(name) for name in ("mlflow", "mlflow.entities", "mlflow.tracking"))
    entities.Metric = lambda key, value, timestamp, step: (key, value, step)
    entities.Param = lambda key, value: (key, value)
    tracking.MlflowClient = Client
    mlflow.__spec__ = importlib.util.spec_from_loader("mlflow", None)
    for module in (mlflow, entities, tracking):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return calls


def test_mlflow_receives_options_and_metrics_and_goes_on_in_the_same_run(fake_mlflow, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "mine").mkdir()
    (sink,) = external_sinks(["mlflow"], tmp_path / "mine", CONFIG)
    for line in LINES[:1]:
        sink.write(line)
    sink.close()
    (again,) = external_sinks(["mlflow"], tmp_path / "mine", CONFIG)
    again.write(LINES[1])
    again.close()
    sqlite = f"sqlite:///{tmp_path / 'mlflow.db'}"
    parameters = [("experiment", "toy-matching"), ("preset", "small"), ("seed", "1"), ("steps", "20"), ("task.n", "3")]
    assert fake_mlflow == [
        ("open", sqlite),
        ("run", "number of vestige", "mine"),
        ("log_batch", "r1", {"params": parameters}),
        ("set_tag", "r1", "vestige.folder", str(tmp_path / "mine"), {}),
        ("log_batch", "r1", {"metrics": [("train/loss", 2.0, 10), ("train/skipped", 0.0, 10)]}),
        ("set_terminated", "r1", {"status": "KILLED"}),
        ("open", sqlite),
        ("update_run", "r1", {"status": "RUNNING"}),
        ("log_batch", "r1", {"metrics": [("evaluate/loss", 1.5, 20)]}),
        ("set_terminated", "r1", {"status": "FINISHED"}),
    ]


@pytest.fixture
def fake_wandb(monkeypatch):
    """The part of wandb that the adapter calls."""
    calls = []

    class Run:
        def __getattr__(self, name):
            return lambda *args, **more: calls.append((name, *args, more))

    wandb = types.ModuleType("wandb")
    wandb.__spec__ = importlib.util.spec_from_loader("wandb", None)
    wandb.Settings = lambda **settings: settings
    wandb.init = lambda **options: calls.append(("init", options)) or Run()
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    return calls


@pytest.mark.parametrize(("key", "mode"), [("", "offline"), ("secret", "online")])
def test_wandb_is_offline_without_a_key(fake_wandb, tmp_path, monkeypatch, key, mode):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("WANDB_API_KEY", key)
    (sink,) = external_sinks(["wandb"], tmp_path, CONFIG)
    sink.write(LINES[1])
    sink.close()
    options = fake_wandb[0][1]
    assert options["mode"] == mode and options["resume"] == "allow" and options["dir"] == str(tmp_path)
    assert options["id"] == json.loads((tmp_path / "wandb.json").read_text())["run"]
    assert ("log", {"update": 20, "evaluate/loss": 1.5}, {}) in fake_wandb and fake_wandb[-1] == ("finish", {})
    external_sinks(["wandb"], tmp_path, CONFIG)
    assert fake_wandb[-3][1]["id"] == options["id"]


def test_what_is_missing_is_said_with_its_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'vestige\[wandb\]'"):
        check_sinks(["wandb"])
    with pytest.raises(UsageError, match="unknown sink 'wanb'. Did you mean 'wandb'"):
        check_sinks(["wanb"])


def test_one_that_cannot_be_opened_is_named(fake_wandb, tmp_path):
    sys.modules["wandb"].init = lambda **_: 1 / 0
    with pytest.raises(UsageError, match="sink wandb cannot be opened: ZeroDivisionError"):
        external_sinks(["wandb"], tmp_path, CONFIG)
    with pytest.raises(UsageError, match="given 2 times"):
        check_sinks(["wandb", "wandb"])
    assert set(EXTERNAL) == {"mlflow", "wandb"}


@needs("mlflow")
@pytest.mark.filterwarnings("ignore")
def test_mlflow_itself(tmp_path, monkeypatch):
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'kept.db'}")
    (sink,) = external_sinks(["mlflow"], tmp_path, CONFIG)
    for line in LINES:
        sink.write(line)
    sink.close()
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'kept.db'}")
    found = client.get_run(sink.run)
    assert found.data.metrics == {"train/loss": 2.0, "train/skipped": 0.0, "evaluate/loss": 1.5}
    assert found.data.params["task.n"] == "3" and found.info.status == "FINISHED"


@needs("wandb")
@pytest.mark.filterwarnings("ignore")
def test_wandb_itself_offline(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    (sink,) = external_sinks(["wandb"], tmp_path, CONFIG)
    for line in LINES:
        sink.write(line)
    sink.close()
    (file,) = (tmp_path / "wandb").glob("offline-run-*/*.wandb")
    assert b"evaluate/loss" in file.read_bytes()
