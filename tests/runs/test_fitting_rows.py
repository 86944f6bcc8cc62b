"""`fit` of a table of examples: what it is taken for, what it is compared with, and what the run then answers."""

import csv

import numpy as np
import pytest
import scipy.stats

from vestige.errors import UsageError
from vestige.runs import load
from vestige.runs.completing import write_completed
from vestige.runs.fits.baselines_of_rows import margin, sentence_of
from vestige.runs.fits.contract import FitRequest
from vestige.runs.fits.fitting import fit_table
from vestige.runs.fits.labelled import LabelledFit
from vestige.runs.fits.labelled_plan import most_updates
from vestige.runs.predicting import write_predictions
from vestige.training.progress import Silent

NOISE = np.random.default_rng(0)
KIND = np.arange(60) % 2
LEVEL = 100 + 20 * KIND + 5 * NOISE.normal(size=60)
WORD = np.where(NOISE.random(60) < 0.8, np.array(["calm", "windy"])[KIND], "mild")


def table(path, **columns):
    found = columns or {"level": LEVEL, "word": WORD, "kind": np.array(["a", "b"])[KIND]}
    with path.open("w", newline="") as file:
        rows = zip(*(list(values) for values in found.values()), strict=True)
        csv.writer(file).writerows([list(found), *rows])
    return path


def read(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("columns", "request_", "taken"),
    [
        ({}, {}, True),
        ({"level": LEVEL, "target": KIND}, {}, True),
        ({"level": LEVEL, "other": LEVEL**2}, {}, False),
        ({"time": range(60), "level": LEVEL, "kind": WORD}, {}, False),
        ({"level": LEVEL, "word": WORD, "last": LEVEL}, {}, True),
        ({}, {"document": "kind"}, False),
        ({}, {"outcomes": "level"}, False),
    ],
)
def test_a_table_is_taken_for_examples_where_it_has_a_class_and_no_time(tmp_path, columns, request_, taken):
    request = FitRequest(table(tmp_path / "mine.csv", **columns), **request_)
    assert LabelledFit().suits(request) is taken


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({"level": LEVEL, "other": LEVEL**2}, {}, "no column looks like the class of a row; name it"),
        ({}, {"season": 4}, "have no time, season or document"),
        ({}, {"outcomes": "kinds"}, "there is no column 'kinds'. Did you mean 'kind'"),
        ({"level": LEVEL[:6], "kind": KIND[:6]}, {"outcomes": "kind"}, "at least 8 rows, got 6"),
    ],
)
def test_what_cannot_be_fitted_is_refused_before_anything_is_written(tmp_path, columns, options, said):
    path = table(tmp_path / "mine.csv", **columns)
    with pytest.raises(UsageError, match=said):
        fit_table(path, tmp_path / "run", kind="labelled", progress=Silent, **options)
    assert not (tmp_path / "run").exists()


def row(said, cross_entropy, accuracy=0.9):
    return {"said": said, "cross_entropy": cross_entropy, "accuracy": accuracy, "nll": 1.0}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (0.1, "Worth it: the model's classes are better than those of logistic regression"),
        (0.2, "Hardly worth it as a classifier: about as good as logistic regression"),
        (0.3, "Not worth it as a classifier: logistic regression is better"),
        (float("nan"), "Not worth it: the model's predictions are not finite"),
    ],
)
def test_one_sentence_says_whether_it_was_worth_it(model, said):
    rows = {
        "model": row("the model", model),
        "majority": row("the most frequent class", 0.7),
        "logistic": row("logistic regression", 0.2),
        "independent": {**row("values independent of each other", None), "nll": 2.0},
    }
    assert sentence_of(rows).startswith(said)
    for nll, start in ((1.0, "Worth it: held-out rows are 1 nats"), (2.5, "Not worth it")):
        alone = {"model": {**row("the model", None), "nll": nll}, "independent": rows["independent"]}
        assert sentence_of(alone).startswith(start)


def test_too_few_rows_decide_nothing():
    draw = np.random.default_rng(0)
    own, other = draw.dirichlet(np.ones(3), (2, 12))
    labels = np.concatenate([draw.integers(0, 3, 11), [-1]])
    log = [np.log(each[np.arange(11), labels[:11]]) for each in (own, other)]
    interval = scipy.stats.ttest_rel(*log).confidence_interval()
    assert margin(own, other, labels) == pytest.approx((interval.high - interval.low) / 2)
    assert margin(own[:1], other[:1], labels[:1]) == float("inf")
    rows = {
        "model": row("the model", 0.5),
        "logistic": {**row("logistic regression", 0.7), "margin": 0.3},
        "independent": row("values independent of each other", None),
    }
    assert sentence_of(rows).startswith("Undecided as a classifier: the held-out rows are too few to tell the model")
    assert "95% interval of the distance +0.2 ± 0.3" in sentence_of(rows)
    rows["logistic"]["margin"] = 0.1
    assert sentence_of(rows).startswith("Worth it")
    rows["logistic"].update(cross_entropy=0.5, margin=0.3)
    assert sentence_of(rows).startswith("Hardly worth it as a classifier")


def test_more_rows_are_worth_more_updates():
    assert [most_updates(rows) for rows in (50, 1000, 10**6)] == [1000, 2000, 4000]


@pytest.mark.slow
def test_a_table_is_fitted_predicted_and_completed(tmp_path):
    path, gaps = table(tmp_path / "mine.csv"), tmp_path / "gaps.csv"
    fitted = fit_table(path, tmp_path / "run", steps=300, progress=Silent)
    assert fitted.why[0].startswith("Taken for labelled examples: 60 rows of 2 columns, with one of 2 classes")
    assert list(fitted.compared) == ["model", "majority", "logistic", "boosting", "independent"]
    assert fitted.compared["model"]["accuracy"] > 0.9 > fitted.compared["majority"]["accuracy"]
    assert fitted.compared["model"]["nll"] < fitted.compared["independent"]["nll"]
    again = fit_table(path, tmp_path / "run", resume=True, progress=Silent)
    assert "Also of classes, and taken for inputs: 'word' (--outcomes names another)." in fitted.why[1]
    assert again.compared["model"] == fitted.compared["model"] and again.why == fitted.why

    lines = [
        {"level": value if place else "", "word": word if place != 1 else "", "kind": "b" if place != 2 else ""}
        for place, (value, word) in enumerate(zip(LEVEL, WORD, strict=True))
    ]
    table(gaps, **{name: [line[name] for line in lines] for name in lines[0]})
    path.unlink()  # the model needs its own data no more
    run = load(tmp_path / "run", without_data=True)
    summary = write_predictions(run.predict(gaps), tmp_path / "out.csv", run=run)
    assert summary.as_plain()["rows"] == 60 and summary.as_plain()["labelled"] == 59
    found = read(tmp_path / "out.csv")
    assert list(found[0]) == ["row", "kind.predicted", "kind.p(a)", "kind.p(b)", "log_density"]
    right = np.mean([line["kind.predicted"] == "ab"[kind] for line, kind in zip(found, KIND, strict=True)])
    assert right > 0.9
    density = np.array([float(line["log_density"]) for line in found])
    assert np.isfinite(density).all() and density[1:].mean() < -2  # of levels in their own units, not in deviations
    summary = write_completed(run.complete(gaps, particles=200), tmp_path / "whole.csv", run=run)
    assert (summary.filled, summary.channels) == (3, {"level": 1, "word": 1, "kind": 1})
    whole = read(tmp_path / "whole.csv")
    low, mean, high = (float(whole[0][name]) for name in ("level.low", "level", "level.high"))
    assert low < mean < high and low < LEVEL[0] < high and abs(mean - LEVEL[0]) < 25
    assert whole[1]["word"] in ("calm", "windy", "mild") and whole[2]["kind"] == "ab"[KIND[2]]
    assert [float(line["level"]) for line in whole[1:]] == [float(line["level"]) for line in lines[1:]]
    with pytest.raises(UsageError, match="a forecast is for models that predict the next step"):
        run.forecast(gaps, horizon=2)
