"""Rows of a table as examples: columns by name, gaps kept, scales of the training part, and back to its units."""

import json

import numpy as np
import pytest

from vestige.data.labelled_rows import encoded_rows, grey_range, labelled_rows, row_schema, split, table_of
from vestige.data.row_layout import RowLayout
from vestige.data.tables.options import ReadOptions
from vestige.errors import UsageError

NOISE = np.random.default_rng(0)
ROWS = 60
TABLE = {
    "level": 1e7 + NOISE.normal(size=ROWS),
    "events": NOISE.poisson(4, ROWS),
    "on": NOISE.integers(0, 2, ROWS),
    "colour": np.array(["red", "green", "blue"])[NOISE.integers(0, 3, ROWS)],
    "still": np.full(ROWS, 3.5),
    "kind": np.array(["a", "b"])[np.arange(ROWS) % 2],
}
KINDS = {"on": "bit", "events": "count"}


def rows(table=TABLE, **options):
    return labelled_rows(table, **{"outcome": "kind", "kinds": KINDS, **options})


def test_numbers_are_scaled_on_the_training_part_and_nothing_else_is():
    found = rows()
    assert [block.kind for block in found.layout.blocks] == ["number", "count", "bit", "class"]
    assert found.train.shape == (48, 5) and found.layout.size == 5
    np.testing.assert_allclose(found.train[:, 0].mean(), 0, atol=1e-4)
    np.testing.assert_allclose(found.train[:, 0].std(), 1, rtol=1e-4)
    assert found.test[:, 0].std() != pytest.approx(1, abs=1e-3)
    assert set(found.train[:, 2]) == {0.0, 1.0} and found.train[:, 1].max() > 4
    assert found.train[:, 3:].sum(axis=1).max() == 1
    assert "never changes" in found.notes[0] and "still" in found.notes[0]
    np.testing.assert_allclose(found.layout.centre, found.train.mean(axis=0), atol=1e-6)


def test_rows_go_back_to_the_units_of_the_table():
    found = rows()
    table = table_of(TABLE, ReadOptions())
    values, labels = encoded_rows(found.layout, table)
    back = found.layout.decoded(values)
    np.testing.assert_allclose(back["level"], TABLE["level"], atol=1e-5 * 1e2)
    np.testing.assert_array_equal(back["events"], TABLE["events"])
    assert list(back["colour"]) == list(TABLE["colour"])
    assert [found.layout.classes[label] for label in labels] == list(TABLE["kind"])


def test_a_layout_is_kept_as_plain_values():
    layout = rows().layout
    again = RowLayout.from_plain(json.loads(json.dumps(layout.as_plain())))
    table = table_of(TABLE, ReadOptions())
    np.testing.assert_array_equal(encoded_rows(again, table)[0], encoded_rows(layout, table)[0])
    assert (again.blocks, again.centre, again.rates, again.label) == (
        layout.blocks,
        layout.centre,
        layout.rates,
        "kind",
    )
    for damaged in ({}, {**layout.as_plain(), "centre": [0.0]}, {**layout.as_plain(), "label": "nothing"}):
        with pytest.raises(UsageError):
            RowLayout.from_plain(damaged)


def test_what_is_missing_stays_missing_value_by_value():
    level, kind = TABLE["level"].copy(), TABLE["kind"].astype(object)
    colour = TABLE["colour"].astype(object)
    level[3], colour[3], kind[5] = np.nan, None, None
    found = rows({**TABLE, "level": level, "colour": colour, "kind": kind})
    values, labels = encoded_rows(
        found.layout, table_of({**TABLE, "level": level, "colour": colour, "kind": kind}, ReadOptions())
    )
    assert np.isnan(values[3]).tolist() == [True, False, False, True, True] and np.isnan(values).sum() == 3
    assert labels[5] == -1 and (labels >= 0).sum() == ROWS - 1
    assert (found.test_labels >= 0).all()
    assert np.isfinite(found.layout.centre).all()


def test_the_log_density_in_the_units_of_the_table_is_that_of_scaled_numbers_less_their_logarithms():
    layout = rows().layout
    whole = np.zeros((2, layout.size), np.float32)
    whole[1, 0] = np.nan
    scale = layout.encoder.scales.scale["level"]
    np.testing.assert_allclose(layout.log_units(whole), [-np.log(scale), 0.0])


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_every_class_is_held_out_in_its_share_and_the_seed_says_which_rows(share):
    labels = np.repeat([0, 1, 2, -1], [50, 20, 1, 9])
    train, test = split(labels, share, seed=3)
    assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(80))
    assert np.bincount(labels[test], minlength=3).tolist() == [50 * share, 20 * share, 0]
    assert (labels[test] >= 0).all()
    assert np.array_equal(split(labels, share, seed=3)[1], test)
    assert not np.array_equal(split(labels, share, seed=4)[1], test)
    assert len(split(np.full(10, -1), 0.3, 0)[1]) == 3


def test_images_become_rows_of_grey_levels(tmp_path):
    images = NOISE.integers(0, 17, (30, 4, 5)).astype(np.uint8)
    images[0] = 16
    np.savez(tmp_path / "images.npz", images=images, label=np.arange(30) % 3)
    table = table_of(tmp_path / "images.npz", ReadOptions())
    schema, label, _ = row_schema(table)
    assert label == "label" and grey_range(schema, label) == 16
    found = labelled_rows(tmp_path / "images.npz", grey=16.0)
    assert found.train.min() >= 0 and found.train.max() == 1 and found.layout.blocks[0].kind == "grey"
    values = encoded_rows(found.layout, table)[0]
    np.testing.assert_allclose(16 * values, images.reshape(30, 20), rtol=1e-6)
    np.savez(tmp_path / "brighter.npz", images=images + 1, label=np.arange(30) % 3)
    with pytest.raises(UsageError, match=r"column 'images.0', row 1: a grey level must be in 0\.\.16, got 17"):
        encoded_rows(found.layout, table_of(tmp_path / "brighter.npz", ReadOptions()))


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ({"x": np.arange(5.0), "class": list("ababa")}, {}, "at least 8 rows, got 5"),
        ({"x": np.arange(9.0) ** 2, "class": ["a"] * 9}, {"outcome": "class"}, "holds 1 class, at least 2 are needed"),
        ({"x": np.ones(9), "class": list("ababababa")}, {}, "no column is left to be learned"),
        ({"x": np.arange(9.0) ** 2, "class": list("ababababa")}, {"outcome": "clas"}, "there is no column 'clas'"),
        ({"x": np.arange(9.0) - 3.5, "class": list("ababababa")}, {"grey": 8.0}, r"grey levels must be in 0\.\.8"),
    ],
)
def test_what_cannot_be_learned_is_refused(table, options, message):
    with pytest.raises(UsageError, match=message):
        labelled_rows(table, **options)


def test_the_class_is_found_where_inputs_are_named_without_it():
    named = {**TABLE, "class": TABLE["kind"]}
    del named["kind"]
    found = labelled_rows(named, inputs="level,on")
    assert found.layout.label == "class" and [c.name for c in found.layout.columns] == ["level", "on"]
    assert labelled_rows(named, inputs="level,on", outcome="").layout.label is None
    assert labelled_rows(named, outcome="on").layout.classes == ("0", "1")


def test_an_unknown_class_is_named_with_column_and_row():
    layout = rows().layout
    colour = TABLE["colour"].astype(object)
    colour[7] = "violet"
    with pytest.raises(UsageError, match="column 'colour', row 8: class 'violet' was not in the data"):
        encoded_rows(layout, table_of({**TABLE, "colour": colour}, ReadOptions()))
    with pytest.raises(UsageError, match="lacks columns of the training data: events"):
        encoded_rows(layout, table_of({name: v for name, v in TABLE.items() if name != "events"}, ReadOptions()))
