"""What is chosen for a table, what is refused, and what is said in the end."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from vestige.errors import RunError, UsageError
from vestige.runs.fits.columns import chosen_columns
from vestige.runs.fits.contract import FitRequest
from vestige.runs.fits.fitting import STRATEGIES, fit_table
from vestige.runs.fits.kinds import KINDS
from vestige.runs.fits.recordings import Ahead, _ahead, sentence_of
from vestige.storage.durable import DamagedFile
from vestige.storage.fit_file import FIT, read_fit, write_fit
from vestige.tasks.filtering.comparing import Compared

DRAW = np.random.default_rng(0)


def columns_of(source):
    return chosen_columns(FitRequest(source))


def test_every_kind_of_data_has_a_strategy():
    assert sorted(strategy.kind for strategy in STRATEGIES) == sorted(set(KINDS) - {"auto"})


def table(folder, rows=20, **columns):
    found = {"time": range(rows), **{name: list(values) for name, values in columns.items()}}
    lines = [",".join(found), *(",".join(str(found[name][row]) for name in found) for row in range(rows))]
    (folder / "mine.csv").write_text("\n".join(lines) + "\n")
    return folder / "mine.csv"


def test_columns_that_cannot_be_predicted_are_left_out_by_name(tmp_path):
    level = DRAW.normal(size=20)
    rare = ["" if row < 15 else 0.5 * row for row in range(20)]
    holes = ["" if row == 3 else 0.25 * row for row in range(20)]
    words = ["calm", "windy"] * 10
    found = columns_of(table(tmp_path, level=level, words=words, still=[1.5] * 20, rare=rare, holes=holes))
    assert (found.inputs, found.values) == ("level,holes", "numbers")
    assert found.notes[0] == "Left out: words (class), rare (75% missing)."
    assert "Values that are missing are left out, the others of their rows count." in found.notes


@pytest.mark.parametrize(
    ("values", "kind"), [([0, 1, 1, 0] * 5, "bits"), ([0, 3, 1, 2] * 5, "counts"), ([0, 300, 1, 2] * 5, "numbers")]
)
def test_the_kind_of_values_follows_the_columns(tmp_path, values, kind):
    assert columns_of(table(tmp_path, seen=values)).values == kind


def test_the_calendar_is_not_predicted_and_an_array_of_bits_is_one_of_bits(tmp_path):
    quarters = {"year": np.repeat(range(1990, 1995), 4), "quarter": [1, 2, 3, 4] * 5, "level": DRAW.normal(size=20)}
    assert columns_of(table(tmp_path, **quarters)).inputs == "level"
    rolls = (DRAW.random((30, 3)) < 0.4).astype(np.uint8)
    rolls[:, 2] = 0
    np.save(tmp_path / "rolls.npy", rolls)
    found = columns_of(tmp_path / "rolls.npy")
    assert (found.values, found.inputs) == ("bits", None)


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({"words": ["calm", "windy"] * 10}, {}, r"no column of numbers, .* could be predicted \(words \(class\)\)"),
        ({"level": [2.5] * 20}, {}, "no column of numbers, counts or bits that change"),
        (
            {"level": DRAW.normal(size=20), "a": ["x", "y"] * 10},
            {"inputs": "level,a"},
            "a hold classes, texts or times",
        ),
        ({"level": DRAW.normal(size=20)}, {"inputs": "levle"}, "Did you mean 'level'"),
        ({"level": DRAW.normal(size=20)}, {"kind": "records"}, "as must be one of auto, recordings.*, got records"),
        ({"level": DRAW.normal(size=20)}, {"held_out": 0.0}, r"held-out must be in \(0, 1\)"),
        (
            {"level": DRAW.normal(size=20)},
            {"held_out": 0.001},
            "share of 0.001 leaves none of 20 rows to compare on",
        ),
        ({"level": DRAW.normal(size=20)}, {"season": 1}, "season must be at least 2, got 1"),
        ({"level": [*[1.5] * 16, 2.0, 3.0, 4.0, 5.0]}, {}, "mine.csv: .*no value ever changes over the training steps"),
        (
            {"level": DRAW.normal(size=20), "id": [0] * 19 + [1]},
            {"document": "id"},
            "1 of 2 recordings of column 'id' are too short .*, the shortest is of 1 row;",
        ),
    ],
)
def test_what_cannot_be_fitted_is_said_and_nothing_written(tmp_path, columns, options, said):
    source = table(tmp_path, **columns)
    with pytest.raises(UsageError, match=said):
        fit_table(source, tmp_path / "run", **options)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_few_rows_are_refused(tmp_path):
    with pytest.raises(UsageError, match="at least 8 rows, one for each step in time, got 1"):
        fit_table(table(tmp_path, rows=1, level=[1.5]), tmp_path / "run")


def compared(**errors):
    squares = {name.replace("_", " "): np.array([error]) for name, error in errors.items()}
    return Compared(10, ("a",), np.ones(1), squares, {name: name for name in squares})


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        (
            (0.5, 1.0, 0.8),
            "Worth it: the model's squared error undercuts that of the ridge, .* by 38%, and the last",
        ),
        ((0.5, 1.0, 1.2), "Worth it: the model's squared error undercuts that of the last value, .* by 50%.$"),
        ((0.799, 1.0, 0.8), r"Hardly worth it: the model predicts about as well as the ridge, .* \(-0.1%\)"),
        ((1.0, 1.0, 0.8), "Not worth it: the ridge predicts better, the model's squared error is 25% above"),
        ((np.nan, 1.0, 0.8), "Not worth it: the model's predictions are not finite"),
        ((0.1, 0.0, 0.8), "Not worth it: the last value predicts the held-out part without any error"),
    ],
)
def test_the_sentence_says_whether_it_was_worth_it(errors, said):
    model, last, ridge = errors
    assert re.match(said, sentence_of(compared(model=model, last_value=last, ridge=ridge)))


def test_a_comparison_is_sealed(tmp_path):
    assert read_fit(tmp_path) is None
    write_fit(tmp_path, {"why": ["so"], "error": float("nan")})
    assert read_fit(tmp_path) == {"why": ["so"], "error": None}
    (tmp_path / FIT).write_text((tmp_path / FIT).read_text().replace("so", "no"))
    with pytest.raises(DamagedFile, match="its content is not what was written"):
        read_fit(tmp_path)


class TestForecastsOfAFit:
    """From held-out rows, where the model has direct regressions; a model that fails there is still one."""

    def run(self, forecast, *, horizon=4, lengths=(10, 20)):
        starts = np.cumsum((0, *lengths))[:-1]
        task = SimpleNamespace(test=SimpleNamespace(starts=starts, frames=np.zeros((sum(lengths), 1))))
        heads = None if horizon is None else SimpleNamespace(horizon=horizon)
        return SimpleNamespace(
            model=SimpleNamespace(heads=heads), components=SimpleNamespace(task=task), forecast=forecast
        )

    def test_they_are_asked_for_as_far_as_the_regressions_reach(self):
        asked = []

        def forecast(source, **options):
            asked.append((source, options))
            return SimpleNamespace(back_test=SimpleNamespace(sentence=lambda: "Over 4 steps it is so."))

        request = FitRequest(Path("mine.csv"), seed=3)
        found = _ahead(self.run(forecast), request, None)
        assert found.sentences == ("Over 4 steps it is so.",) and found.test is not None
        assert asked[0][0] == Path("mine.csv") and asked[0][1]["horizon"] == 4
        assert (asked[0][1]["season"], asked[0][1]["seed"]) == (0, 3)
        assert found.beside("Worth it: by 5%.") == "One step ahead worth it: by 5%. Over 4 steps it is so."
        assert Ahead().beside("Worth it: by 5%.") == "Worth it: by 5%."
        for other in ({"horizon": None}, {"horizon": 20}):
            assert _ahead(self.run(forecast, **other), request, 7) == Ahead()
        assert _ahead(self.run(forecast, horizon=19), request, 7).test is not None
        assert len(asked) == 2 and asked[1][1]["season"] == 7

    @pytest.mark.parametrize("error", [RunError("12 of 50 sampled paths diverge"), UsageError("too many channels")])
    def test_what_goes_wrong_there_is_said(self, error):
        def forecast(source, **options):
            raise error

        found = _ahead(self.run(forecast), FitRequest(Path("mine.csv")), None)
        assert found == Ahead((f"Forecasts of 4 steps are not compared: {error}",))
