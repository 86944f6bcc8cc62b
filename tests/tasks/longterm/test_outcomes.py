"""Outcomes that are predicted step by step, and who they are compared with: by enumeration and by hand."""

import itertools
import math
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.longterm.remembering import Blind, Leaky
from vestige.data.steps import converted
from vestige.data.tables import SchemaOptions
from vestige.errors import RunError, UsageError
from vestige.sequences import TableReader
from vestige.tasks.longterm.outcome_baselines import PENALTIES, _logistic
from vestige.tasks.longterm.outcome_calibration import OutcomeCalibration, chunks_of, normal_surprise
from vestige.tasks.longterm.outcome_examples import examples
from vestige.tasks.longterm.outcome_prediction import OutcomePredictor
from vestige.tasks.longterm.outcome_program import outcome_program
from vestige.tasks.longterm.outcome_reader import read_outcomes
from vestige.tasks.longterm.outcome_reliability import Reliability
from vestige.tasks.longterm.text_baselines import STRENGTHS, _logs, ngrams
from vestige.tasks.order_statistics import Sorted
from vestige.tasks.predictions import AbstractSurprises

WORDS, LENGTHS = ("a", "b", "c", "d"), (5, 1, 7, 3)


def rows():
    """Documents of words; the outcome is the document's first word, known at every second step."""
    draw = np.random.default_rng(0)
    found = []
    for document, length in enumerate(LENGTHS):
        words = draw.integers(0, len(WORDS), length)
        words[0] = document % len(WORDS)
        for step, word in enumerate(words):
            outcome = WORDS[words[0]] if step % 2 == 0 else ""
            found.append((WORDS[word], f"p{document}", f"{step * 0.5 + document:.1f}" if step % 2 else "", outcome))
    return found


def csv(folder, *, name="steps.csv", more=()):
    lines = [",".join(each) for each in [*rows(), *more]]
    (folder / name).write_text("\n".join(["word,who,level,outcome", *lines]) + "\n")
    return folder / name


@pytest.fixture
def steps(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return converted(csv(tmp_path), SchemaOptions(document="who", ignored=("level",)))


@pytest.fixture(scope="module")
def model():
    return Leaky(len(WORDS), len(WORDS), key=jax.random.key(0))


def by_hand(model, tokens):
    """Logits of every step, each document by itself."""
    found, begin = [], 0
    for length in LENGTHS:
        part = jnp.asarray(tokens[begin : begin + length])
        _, memories = model.encode(model.init(), part, jnp.ones(length, bool))
        found.append(np.asarray(jax.vmap(model.predict)(memories, part)))
        begin += length
    return np.concatenate(found)


def predictor(model, steps):
    lengths = np.array(LENGTHS)
    reader = TableReader("steps", steps)
    return OutcomePredictor(model, steps.columns, OutcomeCalibration.of(model, reader, lengths, steps.columns.classes))


class TestReading:
    """A state that is carried, and begins anew at documents."""

    @pytest.mark.parametrize("size", [1, 3, 100])
    def test_each_document_begins_with_an_empty_memory(self, size, model, steps):
        reader = TableReader("steps", steps)
        chunks = chunks_of(reader, steps.lengths, size=size)
        predicted = np.concatenate([found for _, found in read_outcomes(model, chunks, size=size)])
        np.testing.assert_allclose(predicted, by_hand(model, reader.read(0, reader.length)[0]), rtol=1e-5, atol=1e-6)

    def test_documents_are_where_the_lengths_say(self, steps):
        for size in (1, 4, 5, 6, 100):
            resets = np.concatenate([c.resets for c in chunks_of(TableReader("s", steps), steps.lengths, size=size)])
            assert np.flatnonzero(resets).tolist() == [0, 5, 6, 13]


class TestPredictions:
    """Of a table, in its names and units."""

    @pytest.mark.parametrize("chunk", [4, 1024])
    def test_probabilities_and_surprise(self, chunk, model, steps, tmp_path):
        from vestige.tasks.longterm.outcome_prediction import OutcomePredictions

        predictions = OutcomePredictions(predictor(model, steps), csv(tmp_path), chunk=chunk)
        columns: dict[str, list] = {}
        for each in predictions:
            for name, cells in predictions.columns(each).items():
                values = [None if m else v for v, m in zip(cells.values.tolist(), cells.missing.tolist(), strict=True)]
                columns.setdefault(name, []).extend(values)
        assert list(columns) == ["who", *(f"outcome.{word}" for word in WORDS), "surprise"]
        assert columns["who"] == [who for _, who, _, _ in rows()]
        tokens = [WORDS.index(word) for word, _, _, _ in rows()]
        logits = by_hand(model, np.array(tokens, np.int32)).astype(np.float64)
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        found = np.array([columns[f"outcome.{word}"] for word in WORDS]).T
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        surprise = [
            None if not outcome else -math.log(expected[row, WORDS.index(outcome)])
            for row, (_, _, _, outcome) in enumerate(rows())
        ]
        assert [each is None for each in columns["surprise"]] == [each is None for each in surprise]
        known = [each for each in surprise if each is not None]
        np.testing.assert_allclose([each for each in columns["surprise"] if each is not None], known, rtol=1e-5)
        summary = predictions.summary()
        assert (summary.steps, summary.known) == (16, len(known))
        assert summary.mean_surprise == pytest.approx(np.mean(known), rel=1e-5)
        counts = np.bincount([WORDS.index(o) for _, _, _, o in rows() if o], minlength=4) / len(known)
        assert summary.metrics["frequency_cross_entropy"] == pytest.approx(-np.sum(counts * np.log(counts)))
        assert predictions.notices == []

    def test_scores_are_shares_of_held_out_steps(self, model, steps, tmp_path):
        """(1 + held-out steps at least as surprising) / (1 + held-out steps); here these are the steps themselves."""
        predictions = predictor(model, steps).predictions(csv(tmp_path))
        assert isinstance(predictions, AbstractSurprises)
        (each,) = list(predictions)
        known = each.surprise[~each.missing]
        tail = [(1 + np.sum(known >= nats - 1e-9)) / (1 + len(known)) for nats in known]
        np.testing.assert_allclose(predictions.tail(each)[~each.missing], tail)
        assert np.isnan(predictions.tail(each)[each.missing]).all()
        assert predictions.least_tail == pytest.approx(1 / (1 + len(known)))

    def test_without_outcomes_nothing_is_compared(self, model, steps, tmp_path):
        lines = [f"{who},{word}" for word, who, _, _ in rows()]
        (tmp_path / "new.csv").write_text("\n".join(["who,word", *lines]) + "\n")
        predictions = predictor(model, steps).predictions(tmp_path / "new.csv")
        assert all(np.isnan(each.surprise).all() for each in predictions)
        assert predictions.summary().lines() == ["16 steps, of 0 of which 'outcome' is known."]
        assert "it has no column 'outcome'" in predictions.notices[0]

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            (("e", "p9", "", ""), r"column 'word', row 17 \(line 18\): class 'e' was not in the data"),
            (("a", "p9", "", "z"), r"column 'outcome', row 17 \(line 18\): class 'z' was not"),
            (("", "p9", "", ""), r"column 'word', row 17 \(line 18\): it is missing"),
            (("a", "p0", "", ""), r"column 'who', row 17 \(line 18\): document 'p0' goes on after others"),
        ],
    )
    def test_what_does_not_fit_is_named(self, row, message, model, steps, tmp_path):
        predictions = predictor(model, steps).predictions(csv(tmp_path, name="b.csv", more=[row]))
        with pytest.raises(UsageError, match=message):
            list(predictions)

    def test_absent_columns_and_intervals_that_cannot_be(self, model, steps, tmp_path):
        (tmp_path / "c.csv").write_text("who,outcome\np0,a\n")
        with pytest.raises(UsageError, match="word"):
            predictor(model, steps).predictions(tmp_path / "c.csv")
        with pytest.raises(UsageError, match="interval must be in"):
            predictor(model, steps).predictions(csv(tmp_path), interval=1.0)

    def test_a_model_that_diverges_is_reported(self, steps, tmp_path):
        calibration = OutcomeCalibration(Sorted.of(np.ones((3, 1))))
        nan = OutcomePredictor(Blind(jnp.full(4, jnp.nan)), steps.columns, calibration)
        with pytest.raises(RunError, match=r"row 1 \(line 2\): the prediction is not finite"):
            list(nan.predictions(csv(tmp_path)))

    def test_numbers_in_units_of_the_table(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        steps = converted(csv(tmp_path), SchemaOptions(document="who", outcomes=("level",), ignored=("outcome",)))
        centre, scale = steps.columns.unit
        model = Blind(jnp.array([0.5]))
        predictions = predictor(model, steps).predictions(csv(tmp_path), interval=0.5)
        (each,) = list(predictions)
        known = np.array([float(level) if level else np.nan for _, _, level, _ in rows()])
        np.testing.assert_allclose(each.seen, known, rtol=1e-5)
        np.testing.assert_allclose(each.mean, centre + 0.5 * scale)
        errors = np.sort(np.abs((known[~np.isnan(known)] - centre) / scale - 0.5))
        width = errors[math.ceil((len(errors) + 1) * 0.5) - 1]
        np.testing.assert_allclose(each.high[0] - each.mean[0], scale * width, rtol=1e-5)
        np.testing.assert_allclose(each.mean - each.low, each.high - each.mean, rtol=1e-6)
        deviation = np.sqrt(np.mean(np.square(errors)))
        first = int(np.flatnonzero(~np.isnan(known))[0])
        error = (known[first] - centre) / scale - 0.5
        density = math.exp(-0.5 * (error / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))
        assert each.surprise[first] == pytest.approx(-math.log(density), rel=1e-4)
        rmse = np.sqrt(np.nanmean(np.square(known - centre - 0.5 * scale)))
        assert predictions.summary().metrics["rmse"] == pytest.approx(rmse, rel=1e-5)
        assert predictions.summary().metrics["constant_rmse"] == pytest.approx(np.nanstd(known), rel=1e-5)


def test_calibrations_are_kept_as_arrays(model, steps):
    kept = predictor(model, steps).calibration
    again = OutcomeCalibration.from_arrays(kept.as_arrays(), 4)
    assert again is not None and OutcomeCalibration.from_arrays({}, 4) is None
    nats = np.array([0.0, 1.0, np.nan, 9.0])
    np.testing.assert_array_equal(again.surprise.tail(nats), kept.surprise.tail(nats))
    with pytest.raises(UsageError, match="the stored calibration is damaged"):
        OutcomeCalibration.from_arrays(kept.as_arrays(), None)


def test_examples_by_enumeration(steps):
    reader = TableReader("steps", steps)
    tokens, outcomes = reader.read(0, reader.length)
    found = examples(reader, steps.lengths, tokens=len(WORDS))
    expected, begin = [], 0
    for length in LENGTHS:
        last = np.nan
        for step in range(begin, begin + length):
            if outcomes[step] >= 0:
                here = set(tokens[begin : step + 1].tolist())
                expected.append((tokens[step], [w in here for w in range(len(WORDS))], outcomes[step], last))
                last = outcomes[step]
        begin += length
    assert found.now.argmax(axis=1).tolist() == [each[0] for each in expected]
    assert found.bag.tolist() == [each[1] for each in expected]
    assert found.outcomes.tolist() == [each[2] for each in expected]
    np.testing.assert_array_equal(found.last, [each[3] for each in expected])
    every = examples(reader, steps.lengths, tokens=len(WORDS), every=3)
    assert every.outcomes.tolist() == found.outcomes.tolist()[::3]


class TestTexts:
    """Frequencies with smoothing."""

    def test_by_hand(self):
        """p(c | ab) = (#abc + s3 p(c | b)) / (#ab + s3), and so on down to the uniform distribution."""
        train, asked, strengths = [0, 1, 0, 1, 2, 0, 1], [0, 1, 1], (0.5, 2.0, 4.0)

        def probability(context, token, order):
            if order < 0:
                return 1 / 3
            context = tuple(context[len(context) - order :]) if order else ()
            windows = [train[i : i + order + 1] for i in range(len(train) - order)]
            follows = [window[-1] for window in windows if tuple(window[:-1]) == context]
            below = probability(context[1:], token, order - 1)
            return (follows.count(token) + strengths[order] * below) / (len(follows) + strengths[order])

        for order in range(3):
            logs = _logs(np.array(train), np.array(asked), 3, list(strengths[: order + 1]))[-1]
            whole = train + asked
            by_hand = [math.log(probability(whole[: len(train) + i], c, order)) for i, c in enumerate(asked)]
            np.testing.assert_allclose(logs, by_hand)

    def test_they_are_distributions(self):
        train = np.random.default_rng(0).integers(0, 5, 300)
        for order in range(1, 4):
            each = [_logs(train, np.array([token]), 5, [1.0] * order)[-1][0] for token in range(5)]
            assert math.isclose(sum(map(math.exp, each)), 1.0)

    def test_a_chain_is_predicted_by_pairs(self):
        """Of a Markov chain the bigram reaches its entropy rate, and no model falls below by more than chance."""
        draw = np.random.default_rng(0)
        chain = np.array([[0.9, 0.1, 0.0], [0.0, 0.8, 0.2], [0.5, 0.0, 0.5]])
        cumulated, states, uniforms = np.cumsum(chain, axis=1), [0], draw.random(40_000)
        for uniform in uniforms:
            states.append(int(np.searchsorted(cumulated[states[-1]], uniform)))
        text = np.array(states)
        found = ngrams(text[:30_000], text[30_000:], 3)
        share = np.bincount(text, minlength=3) / len(text)
        rate = -sum(share[i] * p * math.log(p) for i, row in enumerate(chain) for p in row if p)
        error = 4 * 0.8 / math.sqrt(10_000)
        losses = {name: -logs.mean() for name, logs in found.items()}
        assert abs(losses["bigram"] - rate) < error and abs(losses["trigram"] - rate) < error
        assert losses["unigram"] > losses["bigram"] + 10 * error

    def test_strengths_are_chosen_without_what_is_held_out(self):
        train = np.random.default_rng(1).integers(0, 4, 500)
        first, second = (np.random.default_rng(seed).integers(0, 4, 50) for seed in (2, 3))
        both = ngrams(train, np.concatenate([first, second]), 4)
        alone = ngrams(train, first, 4)
        for name, logs in alone.items():
            np.testing.assert_array_equal(both[name][:50], logs)
        assert min(STRENGTHS) > 0


class TestReliability:
    """Sums in constant memory."""

    def test_area_counts_pairs(self):
        scores, positive = np.array([0.1, 0.4, 0.35, 0.8, 0.4]), np.array([False, False, True, True, True])
        pairs = [(p, n) for p, n in itertools.product(scores[positive], scores[~positive])]
        expected = np.mean([(p > n) + 0.5 * (p == n) for p, n in pairs])
        found = Reliability()
        for part in (slice(0, 2), slice(2, 5)):
            found.add_scores(scores[part], positive[part])
        assert found.as_plain()["auroc"] == pytest.approx(expected)
        one = Reliability()
        one.add_scores(scores, np.ones(5, bool))
        assert math.isnan(one.as_plain()["auroc"])

    def test_area_is_that_of_scikit_learn(self):
        from sklearn.metrics import roc_auc_score

        draw = np.random.default_rng(0)
        scores, positive = draw.random(500), draw.random(500) < 0.3
        found = Reliability()
        found.add_scores(scores, positive)
        assert found.as_plain()["auroc"] == pytest.approx(roc_auc_score(positive, scores), abs=1e-3)

    def test_calibration_error_by_hand(self):
        confidence, right = np.array([0.95, 0.95, 0.6, 0.6]), np.array([True, False, True, True])
        found = Reliability()
        for part in (slice(0, 1), slice(1, 4)):
            found.add(confidence[part], right[part])
        assert found.as_plain()["calibration_error"] == pytest.approx((2 * 0.45 + 2 * 0.4) / 4)
        assert "auroc" not in found.as_plain() and math.isnan(Reliability().as_plain()["calibration_error"])

    def test_noise_is_the_error_of_right_probabilities(self):
        """|k - n p| / n on average, for k of n steps with the probability p."""
        import scipy.stats

        found = Reliability()
        found.add(np.full(40, 0.7), np.ones(40, bool))
        k = np.arange(41)
        expected = np.sum(scipy.stats.binom.pmf(k, 40, 0.7) * np.abs(k - 28)) / 40
        error = 4 * np.sqrt(0.7 * 0.3 / 40) / np.sqrt(200)
        assert found.as_plain()["calibration_noise"] == pytest.approx(expected, abs=error)


def test_surprise_of_a_number_is_that_of_a_normal_distribution():
    import scipy.stats

    errors = np.array([0.0, 0.3, -2.0])
    np.testing.assert_allclose(normal_surprise(errors, 0.7), -scipy.stats.norm(0, 0.7).logpdf(errors))


def test_one_step_after_the_other_is_the_program_that_is_exported(model, steps):
    program = outcome_program(model, steps.columns)
    assert list(program.inputs)[:2] == ["inputs", "reset"] and next(iter(program.outputs)) == "probabilities"
    tokens, _ = TableReader("steps", steps).read(0, sum(LENGTHS))
    begins = set(np.cumsum((0, *LENGTHS)).tolist())
    call, state, found = jax.jit(program.function), [np.full_like(s, 7) for s in program.example[2:]], []
    for place, token in enumerate(tokens):
        said, *state = call(np.asarray(token, program.example[0].dtype), np.asarray(place in begins), *state)
        found.append(said)
    wanted = jax.nn.softmax(by_hand(model, tokens))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert "the place of 'word' in its vocabulary" in program.inputs["inputs"]


def test_the_program_of_a_number_says_how_its_inputs_are_scaled(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    draw = np.random.default_rng(0)
    lines = [f"{a:.3f},{b:.3f}" for a, b in draw.normal(5, 2, (40, 2))]
    (tmp_path / "numbers.csv").write_text("\n".join(["heat,load", *lines]) + "\n")
    steps = converted(tmp_path / "numbers.csv", SchemaOptions(outcomes=("load",)))

    class Half(Blind):
        def predict(self, memory, inputs):
            return self.says * inputs

    program = outcome_program(Half(jnp.array([0.5])), steps.columns)
    assert program.example[0].shape == (1,) and "('heat' - " in program.inputs["inputs"]
    said, *_ = program.function(np.array([3.0], np.float32), np.asarray(True), *program.example[2:])
    assert float(said) == 1.5 and "expected 'load'" in program.outputs["mean"]


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_regression_is_that_of_scikit_learn_and_stays_finite(classes):
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(0)
    rows = draw.normal(size=(60, 2))
    labels = (rows[:, 0] * 3 + draw.normal(size=60) > 0).astype(int) + (classes == 3) * (rows[:, 1] > 1)
    logs = _logistic(rows, labels, rows[:7], classes)
    spread = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    nets = [LogisticRegression(C=c, max_iter=1000).fit(spread, labels) for c in PENALTIES]
    by_sklearn = [net.predict_log_proba(spread[:7]) for net in nets]
    assert any(np.allclose(logs, each, atol=1e-3) for each in by_sklearn)
    sure = np.array([[-1e6, 0.0], [1e6, 0.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        far = _logistic(rows, labels, sure, classes)
    assert np.isfinite(far).all() and np.allclose(np.exp(far).sum(axis=1), 1) and far.min() < -1000
