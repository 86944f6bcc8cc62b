"""What every entry owes to the commands."""

import dataclasses

import pytest

from vestige.experiments import CATALOGUE

# nothing was published of them
WITHOUT = {"toy-spanning-tree", "recall", "xor", "gap-recall", "stream", "tmaze", "two-colors"}
WITHOUT |= {"ring-tracking", "sensor-fusion", "mocap", "text", "hippocampus", "recordings"}
WITHOUT |= {"bars-and-stripes", "tied-digits", "calibration"}


@pytest.fixture(params=CATALOGUE)
def entry(request):
    return CATALOGUE[request.param]


def test_presets_are_of_one_kind_and_have_durations(entry):
    assert {type(options) for options in entry.presets.values()} == {entry.kind}
    assert entry.presets.keys() == entry.durations.keys()
    assert {"small", "paper"} <= entry.presets.keys()


def test_the_list_has_one_set_of_headings(entry):
    headings = {tuple(options.outline()) for options in entry.presets.values()}
    assert len(headings) == 1


def test_choices_are_values_of_their_fields(entry):
    for name, choices in entry.kind.choices.items():
        for value in choices.values():
            changed = dataclasses.replace(entry.preset("small"), **{name: value})
            assert getattr(changed, name) == value


def test_published_numbers_of_the_paper_preset_tell_the_headline(entry):
    published = entry.published(entry.preset("paper"))
    if entry.name in WITHOUT:
        assert published == {}
        return
    assert published["source"]
    assert any(entry.preset("paper").headline in values for values in published["metrics"].values())


def test_what_is_compared_by_default_is_a_choice(entry):
    assert entry.kind.variation in {"", *entry.kind.choices}
