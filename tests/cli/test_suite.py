"""`vestige compare SUITE`: a table of experiments by settings that grows row by row."""

import dataclasses
import json

import pytest

from vestige.errors import UsageError
from vestige.experiments import Experiment
from vestige.experiments.experiment import name_of
from vestige.models.temporal.specs import GaussianPriorSpec, MixturePriorSpec, TemporalSpec
from vestige.runs import suites
from vestige.runs.suites import SUITES
from vestige.tasks.frame_specs import MapNavigationSpec, PerfectRecallSpec

SMALL = TemporalSpec(latent_size=4, controller_size=16, width=16, match_parameters=False)
TINIEST = {"steps": 2, "batch_size": 4, "eval_size": 16}
HERE = ("--jobs", "1", "--out", "t")  # in this process, for what was patched would be unknown to another
TINY = {
    "perfect-recall": Experiment(PerfectRecallSpec(l=3, k=2), SMALL, **TINIEST),
    "map-navigation": Experiment(MapNavigationSpec(2, 5), SMALL, **TINIEST),
}


@pytest.fixture
def tiny(monkeypatch):
    """The suite with two rows, on the smallest models."""
    monkeypatch.setattr("vestige.tasks.frame_diagnostics.REPEATS", 2)
    monkeypatch.setattr("vestige.tasks.frame_diagnostics.PARTICLES", 2)
    suite = SUITES["gtmm"]
    entries = tuple(
        dataclasses.replace(entry, presets={**entry.presets, "small": TINY[entry.name]})
        for entry in suite.entries
        if entry.name in TINY
    )
    monkeypatch.setitem(suites.SUITES, "gtmm", dataclasses.replace(suite, entries=entries))


@pytest.mark.slow
def test_the_table_grows_and_goes_on(run, tiny, tmp_path):
    code, out, err = run("compare", "gtmm", "--memories", "none", "--tasks", "map-navigation", *HERE)
    assert code == 0, err
    first = json.loads((tmp_path / "t" / "results.json").read_text())
    assert first["rows"] == ["map-navigation"] and first["columns"] == ["none"]
    assert first["cells"]["map-navigation"]["none"]["chance"] > 0
    assert first["speed"]["none"]["ratio"] == 1.0
    before = (tmp_path / "t/map-navigation/none/seed-0/results.json").stat().st_mtime_ns
    code, _, err = run("compare", "gtmm", "--memories", "none", *HERE)
    assert code == 2 and "pass --resume" in err
    code, out, err = run("compare", "gtmm", "--memories", "none", *HERE, "--resume")
    assert code == 0, err
    assert (tmp_path / "t/map-navigation/none/seed-0/results.json").stat().st_mtime_ns == before
    again = json.loads((tmp_path / "t" / "results.json").read_text())
    assert again["rows"] == ["perfect-recall", "map-navigation"]
    assert again["cells"]["map-navigation"] == first["cells"]["map-navigation"]
    for page in ("report.html", "perfect-recall/report.html", "perfect-recall/none/seed-0/report.html"):
        assert (tmp_path / "t" / page).exists()
    assert "perfect-recall" in out


def test_names_of_rows_and_columns():
    suite = SUITES["gtmm"]
    assert len(suite.rows("all")) == 7 and len(suite.columns("all")) == 6
    assert suite.columns("dnc, none") == ["none", "dnc"]
    with pytest.raises(UsageError, match="unknown 'dcn'. Did you mean 'dnc'"):
        suite.columns("dcn")
    with pytest.raises(UsageError, match="nothing chosen"):
        suite.rows(",")
    assert set(suite.metric) == {entry.name for entry in suite.entries}


def test_every_memory_has_the_published_prior():
    """Also where an experiment has another one by itself, which not every memory can have."""
    suite = SUITES["gtmm"]
    rooms = next(entry for entry in suite.entries if entry.name == "room-rotation")
    assert isinstance(rooms.preset("small").model.prior, MixturePriorSpec)
    for entry in suite.entries:
        for member, experiment in suite.experiments(entry, suite.columns("all"), preset="small").items():
            assert experiment.model.prior == GaussianPriorSpec()
            assert name_of(experiment.model.memory) == member


def test_a_wrong_preset_is_told_before_anything_runs(run):
    code, _, err = run("compare", "gtmm", "--preset", "tiny")
    assert code == 2 and "unknown preset 'tiny'" in err
