"""Run folders of earlier versions evaluate, report and resume."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from vestige.errors import UsageError
from vestige.report import write_report
from vestige.runs import execute, load
from vestige.runs.config import recorded

RUNS = Path(__file__).parent
OLD = sorted(folder for version in RUNS.glob("[0-9]*") for folder in version.iterdir())
NEEDED = {"perfect-recall": "negative_bound", "recall": "accuracy", "sensor-fusion": "mse_ratio"}
NEEDED |= {"bars-and-stripes": "nll", "toy-matching": "loss"}


CHEAPEST = "sensor-fusion"  # in the fast pass


@pytest.fixture(
    params=[pytest.param(folder, marks=[pytest.mark.slow] * (folder.name != CHEAPEST)) for folder in OLD],
    ids=[f"{folder.parent.name}-{folder.name}" for folder in OLD],
)
def old(request, tmp_path):
    return shutil.copytree(request.param, tmp_path / request.param.name)


@pytest.fixture(autouse=True)
def _as_then(monkeypatch):
    """As many evaluations as then stood behind the expected numbers."""
    monkeypatch.setattr("vestige.tasks.frame_diagnostics.REPEATS", 8)
    monkeypatch.setattr("vestige.tasks.frame_diagnostics.PARTICLES", 50)


def test_an_old_run_evaluates_reports_and_goes_on_to_the_same_end(old, how):
    expected = json.loads((old / "expected.json").read_text())["metrics"]
    run = load(old)
    assert run.step == 18 and not run.notices
    found = recorded(old)
    done = execute(found.entry, found.experiment, seed=found.seed, folder=old, resume=True, **how)
    assert done["updates"] == 20
    name = NEEDED[old.name]
    assert done["metrics"][name] == pytest.approx(expected[name], rel=2e-3)
    assert set(expected) <= set(done["metrics"])
    assert write_report(old).stat().st_size > 10_000


def test_a_later_schema_is_refused(tmp_path):
    folder = shutil.copytree(OLD[0], tmp_path / "later")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump({**config, "schema": 99}))
    with pytest.raises(UsageError, match="has schema 99, and this version reads 1 to 2: update Vestige"):
        recorded(folder)


def test_a_damaged_configuration_is_one_sentence(tmp_path):
    folder = shutil.copytree(OLD[0], tmp_path / "damaged")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    for options in ({}, {"task": 3}, {"task": {"kind": "Nothing"}}, {**config["options"], "extra": 1}, [1]):
        (folder / "config.yaml").write_text(yaml.safe_dump({**config, "options": options}))
        with pytest.raises(UsageError, match=r"config\.yaml"):
            recorded(folder)
