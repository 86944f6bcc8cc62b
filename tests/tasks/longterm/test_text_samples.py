"""Texts that a memory writes follow the law that it knows, and go on from the held-out text."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.longterm.remembering import Blind
from vestige.data.steps import converted
from vestige.errors import UsageError
from vestige.experiments.protocols import GeneratesSamples
from vestige.sequences import TableReader
from vestige.tasks.longterm.stream import Stream
from vestige.tasks.longterm.stream_tables import TEXT as TEXT_COLUMNS
from vestige.tasks.longterm.text_samples import sampled_texts

TEXT = "abcabdacb" * 20


class Last(eqx.Module):
    """Remembers the last two tokens; the next one depends on both."""

    logits: jax.Array

    def init(self):
        return jnp.zeros(2, jnp.int32)

    def encode(self, state, inputs, mask):
        def step(last, given):
            token, inside = given
            last = jnp.where(inside, jnp.stack([last[1], token]), last)
            return last, last

        state, read = jax.lax.scan(step, state, (inputs, mask))
        return state, read.astype(jnp.float32)

    def predict(self, memory, inputs):
        before, now = memory.astype(jnp.int32)
        return self.logits[before, now]


@pytest.fixture
def steps(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "text.txt").write_text(TEXT)
    return converted(tmp_path / "text.txt", TEXT_COLUMNS, text=True)


def test_each_character_is_drawn_given_all_before_it(steps):
    logits = np.random.default_rng(0).normal(size=(4, 4, 4))
    found = sampled_texts(
        Last(jnp.asarray(logits)), steps.columns, TableReader("text", steps), count=30, steps=400, given=7, seed=0
    )
    assert len(found.texts) == 30 and {len(text) for text in found.texts} == {400}
    assert all(text[:7] in TEXT for text in found.texts) and len(set(found.texts)) == 30
    counts = np.zeros((4, 4, 4))
    seen, said = steps.columns.seen[0].vocabulary, steps.columns.outcome.vocabulary
    for text in found.texts:
        for one, two, three in zip(text[5:], text[6:], text[7:], strict=False):
            counts[seen.index(one), seen.index(two), said.index(three)] += 1
    share = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    for before, now in itertools.product(range(4), repeat=2):
        total = counts[before, now].sum()
        error = np.sqrt(share[before, now] * (1 - share[before, now]) / total)
        assert total > 100
        assert np.all(np.abs(counts[before, now] / total - share[before, now]) < 4.5 * error)
    assert "".join(found.columns["character"].values[:400]) == found.texts[0]
    assert found.columns["step"].values[[0, 399, 400]].tolist() == [1, 400, 1]


def test_a_stream_of_a_text_generates_and_others_refuse(steps):
    reader = TableReader("text", steps)
    sizes = {"tokens": steps.columns.tokens, "classes": steps.columns.classes}
    task = Stream(reader, reader, **sizes, max_distance=12, columns=steps.columns)
    model = Blind(jnp.zeros(steps.columns.classes))
    assert isinstance(task, GeneratesSamples)
    asked = {"count": 2, "given": 0, "seed": 3}
    found = task.sampled(model, steps=None, **asked)
    assert [len(text) for text in found.texts] == [12, 12] and all(text[0] in TEXT for text in found.texts)
    assert task.sampled(model, steps=None, **asked).texts == found.texts
    assert task.sampled(model, steps=1, **asked).texts == tuple(text[0] for text in found.texts)
    with pytest.raises(UsageError, match="only streams of a text are generated"):
        Stream(reader, reader, **sizes).sampled(model, steps=5, **asked)
    with pytest.raises(UsageError, match="the held-out text has 180 characters, 500 are wanted"):
        task.sampled(model, count=1, steps=600, given=500, seed=0)
