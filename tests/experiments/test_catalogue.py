"""What every entry of the catalogue owes to the commands."""

import equinox as eqx
import jax
import pytest
import yaml

from vestige.cli.options import parts_of
from vestige.cli.parse import fitting
from vestige.experiments import Experiment
from vestige.plain import from_plain, to_plain
from vestige.registries import registry
from vestige.report.metrics import metric

CATALOGUE = registry("experiment")

# nothing was published of them
WITHOUT = {"toy-spanning-tree", "recall", "xor", "gap-recall", "stream", "tmaze", "two-colors"}
WITHOUT |= {"ring-tracking", "sensor-fusion", "mocap", "text", "hippocampus", "recordings"}
WITHOUT |= {"bars-and-stripes", "tied-digits", "calibration", "labelled", "parse", "explain", "parentheses"}
WITHOUT |= {"object-tracking"}


@pytest.fixture(params=CATALOGUE)
def entry(request):
    return CATALOGUE[request.param]


def test_presets_have_durations(entry):
    assert entry.presets.keys() == entry.durations.keys()
    assert {"small", "paper"} <= entry.presets.keys()


@pytest.mark.slow
def test_every_metric_has_a_label_of_its_own(entry):
    experiment = entry.preset("small")
    built = experiment.build(seed=0, dummy=True)
    size = max(experiment.task.min_eval_size, 2)
    evaluate = lambda task, model, key: task.evaluate(model, size=size, key=key)
    found = eqx.filter_eval_shape(evaluate, built.task, built.model, jax.random.key(0))
    unknown = [name for name, value in found.items() if value.ndim == 0 and name not in registry("metric")]
    assert not unknown and experiment.task.metric in registry("metric")


def test_the_list_has_one_set_of_headings(entry):
    assert len({tuple(experiment.summary()) for experiment in entry.presets.values()}) == 1


def test_presets_survive_yaml(entry):
    for experiment in entry.presets.values():
        text = yaml.safe_dump(to_plain(experiment))
        assert from_plain(Experiment, yaml.safe_load(text), where="config.yaml") == experiment


def test_naming_the_part_that_is_chosen_changes_nothing(entry):
    """Neither does naming rule and optimiser that a preset takes as the model's defaults."""
    from vestige.plain import name_of

    for experiment in entry.presets.values():
        for path, _ in parts_of(experiment):
            at = experiment
            for step in path.split("."):
                at = getattr(at, step)
            if at is not None:
                assert experiment.choose({path: name_of(at)}) == experiment


def test_what_is_compared_and_timed_by_default_has_choices(entry):
    small = entry.preset("small")
    for path in (entry.vary, entry.bench):
        assert len(fitting(small, path, dict(parts_of(small))[path])) > 1


def test_published_numbers_of_the_paper_preset_tell_the_metric(entry):
    paper = entry.preset("paper")
    published = entry.published(paper)
    if entry.name in WITHOUT:
        assert published == {}
        return
    assert published["source"]
    assert any(paper.task.metric in values for values in published["metrics"].values())


def test_the_metric_that_counts_is_known(entry):
    assert metric(entry.preset("small").task.metric).explanation
