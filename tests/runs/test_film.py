"""Films: frames that are rows of pixels, predicted, and filled in."""

import warnings

import numpy as np
import pytest

import vestige
from vestige.data import read_recorded
from vestige.data.films import film_shape
from vestige.data.tables import Cells, open_table
from vestige.data.tables.writing import array_writer
from vestige.errors import UsageError
from vestige.runs.completing import write_completed
from vestige.runs.fits.contract import FitRequest
from vestige.runs.fits.frames import FramesFit, _last_seen, sentence_of


def film(frames=60, height=3, width=4, seed=0):
    """A dot that goes to and fro, and some noise."""
    rng = np.random.default_rng(seed)
    made = 0.05 * rng.random((frames, height, width))
    for t in range(frames):
        made[t, 1, abs(t % 6 - 3)] += 1.0
    return made


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.npy"
    np.save(path, film())
    return path


def test_a_film_is_a_table_of_pixels(stored, tmp_path):
    table = open_table(stored)
    assert table.names[:2] == ("value.0.0", "value.0.1") and len(table.names) == 12 and table.rows == 60
    cells = next(table.batches(size=7)).cells
    np.testing.assert_array_equal(cells["value.2.1"].values, film()[:7, 2, 1])
    np.save(tmp_path / "colour.npy", np.zeros((5, 2, 2, 3)))
    assert open_table(tmp_path / "colour.npy").names[-1] == "value.1.1.2"
    np.testing.assert_array_equal(read_recorded(stored)[0].frames.frames, film().reshape(60, 12))
    assert film_shape(stored) == (60, 3, 4) and film_shape(tmp_path / "colour.npy") == (5, 2, 2, 3)
    np.savez(tmp_path / "films.npz", observations=film(), lengths=[20, 40])
    assert film_shape(tmp_path / "films.npz") == (60, 3, 4) and film_shape(tmp_path / "none.npy") is None
    np.testing.assert_array_equal(read_recorded(tmp_path / "films.npz")[0].frames.lengths, [20, 40])
    np.save(tmp_path / "five.npy", np.zeros((5, 2, 2, 3, 1)))
    with pytest.raises(UsageError, match="several films go one after the other into one array, with their lengths"):
        open_table(tmp_path / "five.npy")


def test_what_is_planned_for_a_film(stored, tmp_path):
    plan = FramesFit().planned(FitRequest(stored), note=print)
    assert plan.why[0] == "Taken for frames: 60 frames of 3x4 pixels, numbers."
    assert FramesFit().suits(FitRequest(stored)) and "ridge autoregression" in plan.why[1]
    bits = (film() > 0.5).astype(np.uint8)
    np.save(tmp_path / "bits.npy", bits)
    plan = FramesFit().planned(FitRequest(tmp_path / "bits.npy", steps=3), note=print)
    assert plan.experiment.task.values == "bits" and plan.experiment.steps == 3
    np.save(tmp_path / "still.npy", np.concatenate([film(), np.ones((60, 1, 4))], axis=1))
    assert (
        FramesFit().planned(FitRequest(tmp_path / "still.npy"), note=print).why[1].startswith("4 pixels never change")
    )


def test_larger_frames_have_a_net_with_a_memory(tmp_path):
    np.save(tmp_path / "large.npy", np.random.default_rng(0).random((40, 20, 20)))
    plan = FramesFit().planned(FitRequest(tmp_path / "large.npy", steps=3), note=print)
    assert "recurrent variational autoencoder with a state of 64; 3 updates" in plan.why[1]
    assert plan.experiment.model.noise == "fixed"


def test_what_is_no_film_is_refused(tmp_path):
    np.save(tmp_path / "rows.npy", np.zeros((20, 3)))
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    for name in ("rows.npy", "rows.csv"):
        assert not FramesFit().suits(FitRequest(tmp_path / name))
        with pytest.raises(UsageError, match=r"films are .npy files \(frames, height, width\)"):
            FramesFit().planned(FitRequest(tmp_path / name), note=print)
    np.save(tmp_path / "film.npy", film())
    with pytest.raises(UsageError, match="a film has no columns to choose; leave out --outcomes"):
        FramesFit().planned(FitRequest(tmp_path / "film.npy", outcomes="a"), note=print)
    np.save(tmp_path / "one.npy", film(1))
    with pytest.raises(UsageError, match="leaves none of 1 row"):
        FramesFit().planned(FitRequest(tmp_path / "one.npy"), note=print)
    np.save(tmp_path / "still.npy", np.full((20, 2, 2), 0.5))
    with pytest.raises(UsageError, match="no value ever changes"):
        FramesFit().planned(FitRequest(tmp_path / "still.npy"), note=print)


def test_the_last_frame_is_that_of_the_same_film():
    frames = np.array([[1.0], [np.nan], [3.0], [4.0], [5.0]])
    begins = np.array([True, False, False, True, False])
    np.testing.assert_array_equal(_last_seen(frames, begins)[:, 0], [np.nan, 1.0, 1.0, np.nan, 4.0])


def test_the_sentence_names_the_better_one():
    rows = {
        "model": {"error": 1.0, "nats": -10.0},
        "last frame": {"error": 2.0},
        "mean frame": {"error": 3.0},
        "independent pixels": {"nats": -15.0},
    }
    assert sentence_of(rows).startswith("Worth it: the model's squared error undercuts that of the last frame by 50%")
    assert "5.0 nats less surprising" in sentence_of(rows)
    assert sentence_of({**rows, "mean frame": {"error": 0.5}}).startswith("Not worth it: the mean frame predicts")
    assert sentence_of({**rows, "last frame": {"error": 1.0}}).startswith("Hardly worth it")
    assert sentence_of({**rows, "last frame": {"error": 0.0}}).startswith("Not worth it: the last frame predicts the")


def test_an_array_is_written_as_it_is_read(tmp_path):
    cells = lambda values: Cells(np.asarray(values), np.isnan(values))
    with array_writer(tmp_path / "a.npy", (3, 2), ("b", "a")) as writer:
        writer.write({"a": cells([1.0, 2.0]), "b": cells([np.nan, 4.0]), "b.low": cells([0.0, 0.0])})
        writer.write({"a": cells([5.0]), "b": cells([6.0]), "b.low": cells([0.0])})
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), [[np.nan, 1], [4, 2], [6, 5]])


@pytest.mark.slow
def test_a_film_is_fitted_predicted_and_filled(stored, tmp_path):
    fitted = vestige.fit_table(stored, tmp_path / "run", steps=150, held_out=0.3)
    assert list(fitted.compared) == ["model", "last frame", "mean frame", "independent pixels"]
    late = film(40, seed=1)
    late[20, 0, 0], late[30] = 5.0, np.nan
    run = vestige.load(tmp_path / "run", without_data=True)
    np.save(tmp_path / "late.npy", late)
    predictions = run.predict(tmp_path / "late.npy")
    surprise = np.concatenate([steps.surprise for steps in predictions])
    assert surprise[20] > surprise[5:20].max() and np.isnan(surprise[30])
    late[10:15, 1] = np.nan
    np.save(tmp_path / "holes.npy", late)
    out = tmp_path / "filled.npy"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary = write_completed(run.complete(tmp_path / "holes.npy", particles=20), out, run=run)
    filled = np.load(out)
    assert filled.shape == late.shape and summary.filled == 5 * 4 + 12 and not np.isnan(filled).any()
    np.testing.assert_array_equal(filled[~np.isnan(late)], late[~np.isnan(late)])
    with pytest.raises(UsageError, match="exists"):
        write_completed(run.complete(tmp_path / "holes.npy"), out, run=run)
    with pytest.raises(UsageError, match="--out must end in .csv, .tsv, .parquet, which says its form"):
        write_completed(
            run.complete({f"value.{r}.{c}": late[:, r, c] for r in range(3) for c in range(4)}), out, run=run
        )
