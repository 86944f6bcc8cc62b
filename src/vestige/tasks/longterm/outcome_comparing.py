"""A memory beside those who have none, on the held-out steps whose outcome is known."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from vestige.errors import UsageError
from vestige.sequences import AbstractReader
from vestige.tasks.longterm.outcome_baselines import of_classes, of_numbers
from vestige.tasks.longterm.outcome_calibration import chunks_of
from vestige.tasks.longterm.outcome_examples import MOST_FEATURES, examples, known, known_in
from vestige.tasks.longterm.outcome_reader import log_probabilities, read_outcomes
from vestige.tasks.longterm.outcome_reliability import Reliability
from vestige.tasks.longterm.reading import EncodesAndPredicts
from vestige.tasks.longterm.stream import Stream
from vestige.tasks.longterm.text_baselines import ngrams

MOST_EXAMPLES = 50_000
"""Of training steps for the regressions."""
MODEL = "model"
SAID = {
    "unigram": "frequencies of characters",
    "bigram": "frequencies of pairs of characters",
    "trigram": "frequencies of three characters",
}


class Scored(NamedTuple):
    """What somebody predicts of held-out steps whose outcome is known.

    - `log_true`: (steps,) float64, the log-probability of the class that came.
    - `right`: (steps,), booleans: whether it was the likeliest.
    - `confidence`: (steps,), the probability of the likeliest.
    - `second`: (steps,), of two classes the probability of the second; else None.
    """

    log_true: np.ndarray
    right: np.ndarray
    confidence: np.ndarray
    second: np.ndarray | None

    @classmethod
    def of(cls, logs: np.ndarray, outcomes: np.ndarray) -> "Scored":
        """Of log-probabilities (steps, classes) and classes (steps,)."""
        best = logs.argmax(axis=1)
        rows = np.arange(len(logs))
        second = np.exp(logs[:, 1]) if logs.shape[1] == 2 else None
        return cls(logs[rows, outcomes], best == outcomes, np.exp(logs[rows, best]), second)


@dataclass(frozen=True)
class ComparedOutcomes:
    """Who predicts the held-out outcomes how well.

    - `rows`: name -> plain values, the model first. Of classes `cross_entropy` in nats, `accuracy`, `auroc` (of two
      classes), `calibration_error` (15 bins of confidence) and `calibration_noise`, what it would be on average if the
      probabilities were right; of numbers `mse` in units of the variance in training. `said` is who it is, in words.
    - `count`: held-out steps whose outcome is known.
    - `measure`: the name of the value that counts, the smaller the better.
    - `notes`: what was left out; sentences.
    """

    rows: dict[str, dict[str, Any]]
    count: int
    measure: str
    notes: tuple[str, ...] = ()

    def best_other(self) -> str:
        """The name of the best one without a memory."""
        return min((name for name in self.rows if name != MODEL), key=lambda name: self.rows[name][self.measure])


def compared_outcomes(task: Stream, model: EncodesAndPredicts) -> ComparedOutcomes:
    """A trained model beside frequencies and regressions; of a text beside n-grams.

    One pass of the model over the held-out steps; regressions are fitted on at most 50,000 training steps.

    **Arguments:**

    - `task`: on a table or a text.
    - `model`: trained on it.

    **Raises:** `UsageError` where no held-out outcome is known.
    """
    lengths = _lengths(task, task.train, 0), _lengths(task, task.held_out, 1)
    if not (count := known_in(task.held_out, lengths[1])):
        raise UsageError(
            f"{task.held_out.name}: the outcome of no held-out step is known, so that nothing can be compared; hold "
            "out more"
        )
    if task.columns is not None and task.columns.text:
        return _text(task, model, lengths[1], count)
    if task.classes is None:
        return _numbers(task, model, lengths, count)
    rows: dict[str, dict[str, Any]] = {
        MODEL: {"said": "the model", **_metrics(_by_model(task, model, lengths[1]), _outcomes(task, lengths[1]))}
    }
    train, held_out, notes = _examples(task, lengths)
    few = held_out.now.shape[1] <= MOST_FEATURES
    for name, each in of_classes(train, held_out, task.classes, regressions=few).items():
        scored = Scored.of(each.predicted, held_out.outcomes)
        rows[name] = {"said": each.said, **_metrics(scored, held_out.outcomes)}
    return ComparedOutcomes(rows, count, "cross_entropy", notes)


def _metrics(found: Scored, outcomes: np.ndarray) -> dict[str, float]:
    reliability = Reliability()
    reliability.add(found.confidence, found.right)
    if found.second is not None:
        reliability.add_scores(found.second, outcomes == 1)
    loss = {"cross_entropy": -float(found.log_true.mean()), "accuracy": float(found.right.mean())}
    return {**loss, **reliability.as_plain()}


def _by_model(task: Stream, model: EncodesAndPredicts, lengths: np.ndarray) -> Scored:
    parts = []
    for chunk, predicted in read_outcomes(model, chunks_of(task.held_out, lengths)):
        there = known(chunk.outcomes)
        parts.append(Scored.of(log_probabilities(predicted[there]), chunk.outcomes[there]))
    second = None if parts[0].second is None else np.concatenate([part.second for part in parts])  # pyright: ignore[reportArgumentType, reportCallIssue]
    return Scored(*(np.concatenate([part[place] for part in parts]) for place in range(3)), second)  # pyright: ignore[reportArgumentType, reportCallIssue]


def _outcomes(task: Stream, lengths: np.ndarray) -> np.ndarray:
    parts = (chunk.outcomes for chunk in chunks_of(task.held_out, lengths))
    return np.concatenate([outcomes[known(outcomes)] for outcomes in parts])


def _examples(task: Stream, lengths: tuple[np.ndarray, np.ndarray]) -> tuple[Any, Any, tuple[str, ...]]:
    every = -(-known_in(task.train, lengths[0]) // MOST_EXAMPLES)
    train = examples(task.train, lengths[0], tokens=task.tokens, every=every)
    held_out = examples(task.held_out, lengths[1], tokens=task.tokens)
    notes = [f"Regressions are fitted on one in {every:,} training steps."] if every > 1 else []
    if held_out.now.shape[1] > MOST_FEATURES:
        notes.append(f"A step has {held_out.now.shape[1]:,} features, too many for the regressions: they are left out.")
    return train, held_out, tuple(notes)


def _numbers(
    task: Stream, model: EncodesAndPredicts, lengths: tuple[np.ndarray, np.ndarray], count: int
) -> ComparedOutcomes:
    errors = []
    for chunk, predicted in read_outcomes(model, chunks_of(task.held_out, lengths[1])):
        there = known(chunk.outcomes)
        errors.append(np.square(predicted[there, 0] - chunk.outcomes[there]))
    rows: dict[str, dict[str, Any]] = {MODEL: {"said": "the model", "mse": float(np.concatenate(errors).mean())}}
    train, held_out, notes = _examples(task, lengths)
    few = held_out.now.shape[1] <= MOST_FEATURES
    for name, each in of_numbers(train, held_out, regressions=few).items():
        rows[name] = {"said": each.said, "mse": float(np.mean(np.square(each.predicted - held_out.outcomes)))}
    return ComparedOutcomes(rows, count, "mse", notes)


def _text(task: Stream, model: EncodesAndPredicts, lengths: np.ndarray, count: int) -> ComparedOutcomes:
    outcomes = _outcomes(task, lengths)
    assert task.classes is not None
    rows = {MODEL: {"said": "the model", **_metrics(_by_model(task, model, lengths), outcomes)}}
    both = [_tokens(reader) for reader in (task.train, task.held_out)]
    for name, logs in ngrams(both[0], both[1], task.classes).items():
        rows[name] = {"said": SAID[name], "cross_entropy": -float(logs[1 : count + 1].mean())}
    return ComparedOutcomes(rows, count, "cross_entropy")


def _tokens(reader: AbstractReader) -> np.ndarray:
    return np.concatenate([chunk.inputs for chunk in chunks_of(reader, np.array([reader.length]))])


def _lengths(task: Stream, reader: AbstractReader, place: int) -> np.ndarray:
    return np.array([reader.length]) if task.documents is None else np.asarray(task.documents[place].lengths)
