"""Samples of models that generate steps, texts, rolls, rows and images, and the files that they become."""

import json
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.data import FrameSet, Recorded
from vestige.data.tables import Cells, open_table
from vestige.errors import UsageError
from vestige.experiments.protocols import GeneratesSamples
from vestige.models.families import Gaussian
from vestige.models.filters import Autoregressive
from vestige.registries import registry
from vestige.runs.sampling import default_suffix, write_samples
from vestige.tasks.filtering.custom_data import custom_recordings
from vestige.tasks.filtering.rolls import PianoRolls
from vestige.tasks.filtering.sampling import sampled_sequences
from vestige.tasks.filtering.text import Characters
from vestige.tasks.samples import Sampled

DRAW = np.random.default_rng(0)
KEY = jax.random.key(0)
RUN = SimpleNamespace(entry=SimpleNamespace(name="guess"), folder=Path("run"), step=3, notices=["so"])


def process(steps=1500):
    found = np.zeros((steps, 2))
    for t in range(1, steps):
        found[t] = 0.8 * found[t - 1] + DRAW.normal(size=2)
    return 50 + 10 * found


@pytest.fixture(scope="module")
def filtered():
    recorded = Recorded(FrameSet(process(), np.array([800, 700]), ("a", "b")), np.zeros((1500, 0)))
    task = custom_recordings(recorded, "numbers", held_out=0.2)
    options = {"order": 1, "penalty": 1e-5, "width": 0, "key": KEY}
    return task, Autoregressive.fitted(Gaussian(2), task, **options)


def columns(sampled, steps, names):
    return np.stack([sampled.columns[name].values.reshape(-1, steps) for name in names], axis=2)


def test_steps_are_drawn_by_their_law_in_the_units_of_the_file(filtered):
    task, model = filtered
    found = task.sampled(model, count=40, steps=100, given=0, seed=0)
    values = columns(found, 100, ("value 0", "value 1"))[:, 20:]
    assert isinstance(task, GeneratesSamples) and found.pictures is None and not found.texts
    np.testing.assert_allclose(values.mean(axis=(0, 1)), task.mean, atol=3)  # of 360 independent ones: 0.9
    np.testing.assert_allclose(values.std(), 10 / 0.6, rtol=0.1)
    now, before = (values[:, 1:] - values.mean()).ravel(), (values[:, :-1] - values.mean()).ravel()
    assert (now @ before) / (before @ before) == pytest.approx(0.8, abs=0.05)
    assert found.columns["sample"].values[[0, 99, 100]].tolist() == [1, 1, 2]
    again = task.sampled(model, count=40, steps=100, given=0, seed=0)
    np.testing.assert_array_equal(again.columns["value 0"].values, found.columns["value 0"].values)
    other = task.sampled(model, count=40, steps=100, given=0, seed=1)
    assert (other.columns["value 0"].values != found.columns["value 0"].values).all()


def test_samples_go_on_from_what_is_given(filtered):
    task, model = filtered
    found = sampled_sequences(task, model, count=3, steps=8, given=5, seed=0)
    key, _ = jax.random.split(KEY)
    for row in (0, 1, 2):  # of two recordings
        held_out = task.held_out(jnp.asarray(row % 2), key=key).inputs[:5]
        np.testing.assert_array_equal(found[row, :5], held_out)
    assert (found[0, 5:] != found[2, 5:]).all()
    with pytest.raises(UsageError, match="a held-out sequence has 140 steps, 150 are wanted"):
        task.sampled(model, count=2, steps=200, given=150, seed=0)


def test_texts_are_of_the_alphabet_and_rolls_are_pictures():
    letters = DRAW.integers(0, 3, size=400)
    task = Characters(jnp.asarray(letters), jnp.asarray(letters), "abc", 20)
    sequences = np.array([[[0, 0], [1, 0], [0, 1]], [[0, 1], [0, 0], [0, 0]]], float)
    found = task.shown(sequences)
    assert found.texts == ("abc", "caa") and list(found.columns["character"].values) == list("abccaa")
    rolls = (DRAW.random((40, 88)) < 0.1).astype(np.float32)
    parts = custom_recordings(Recorded(FrameSet(rolls, np.array([40]), ("x",) * 88), np.zeros((40, 0))), "bits")
    music = PianoRolls(parts.train, parts.test, 10)
    shown = music.shown(rolls[None].astype(float))
    assert shown.pictures.shape == (1, 1, 88, 40)
    np.testing.assert_array_equal(shown.pictures[0, 0, -1], rolls[:, 0])  # the lowest note below
    np.testing.assert_array_equal(shown.columns["note 21"].values, rolls[:, 0])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["labelled", "tied-digits"])
def test_tied_nets_generate_rows_and_images(name):
    experiment = registry("experiment").find(name).preset("small")
    task = experiment.task.build(seed=0)
    model = experiment.model.build(task, key=KEY)
    found = task.sampled(model, count=5, steps=None, given=0, seed=0)
    assert all(len(cells.values) == 5 for cells in found.columns.values())
    if name == "tied-digits":
        assert found.pictures.shape == (5, 1, 8, 8) and set(np.unique(found.pictures)) <= {0.0, 1.0}
        np.testing.assert_array_equal(found.columns["pixel 9"].values, found.pictures[:, 0, 1, 1])
        assert set(found.columns["class"].values) <= set(range(10))
    else:
        assert set(found.columns[task.layout.label].values) <= set(task.layout.classes)
    with pytest.raises(UsageError, match="are no sequences"):
        task.sampled(model, count=5, steps=3, given=0, seed=0)


def test_files_are_of_the_form_that_their_name_says(tmp_path):
    cells = {"sample": Cells(np.arange(1, 3), np.zeros(2, bool)), "a": Cells(np.array([0.5, 1.5]), np.zeros(2, bool))}
    options = {"seed": 4}
    both = Sampled(cells, pictures=np.zeros((2, 1, 3, 3)))
    assert default_suffix(both) == ".png" and default_suffix(Sampled(cells)) == ".csv"
    write = lambda sampled, name, force=False: write_samples(
        sampled, tmp_path / name, run=RUN, options=options, force=force
    )
    write(both, "x.csv")
    assert open_table(tmp_path / "x.csv").read()["a"].values.astype(float).tolist() == [0.5, 1.5]
    card = json.loads((tmp_path / "x.csv.card.json").read_text())
    assert (card["options"], card["update"], card["notices"]) == (options, 3, ["so"])
    write(both, "x.png")
    assert (tmp_path / "x.npz").is_file()
    write(Sampled(cells, texts=("ab", "c")), "x.txt")
    assert (tmp_path / "x.txt").read_text().startswith("ab\n---")
    for sampled, name, said in (
        (both, "y.txt", "written as .png, .csv, .tsv, .parquet"),
        (Sampled({}, pictures=both.pictures), "y.csv", "written as .png"),
        (both, "y.docx", "written as .png, .csv"),
        (both, "x.csv", "exists"),
        (Sampled(cells, texts=("ab",)), "x.txt", "exists"),
    ):
        with pytest.raises(UsageError, match=said):
            write(sampled, name)
    write(Sampled(cells, texts=("z",)), "x.txt", force=True)
    assert (tmp_path / "x.txt").read_text() == "z\n"
