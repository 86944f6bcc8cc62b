"""The invented stream: what its steps say, and its files."""

import hashlib

import numpy as np
import pytest

from vestige.data import ExampleStream
from vestige.data.example_stream import BLANK, MARK, QUESTION, SYMBOLS, UNKNOWN
from vestige.errors import RunError, UsageError


@pytest.fixture(scope="module")
def steps():
    return ExampleStream().load("held-out")


def test_questions_are_about_the_last_symbol_and_far_from_it(steps):
    inputs, outcomes = steps
    symbol, begun, asked = UNKNOWN, 0, []
    for step, (seen, outcome) in enumerate(zip(inputs.tolist(), outcomes.tolist(), strict=True)):
        if seen < SYMBOLS:
            asked += [0]
            symbol, begun = seen, step
        if seen == QUESTION:
            assert outcome == symbol and 31 <= step - begun < 100
            asked[-1] += 1
        assert (outcome == UNKNOWN) == (seen == BLANK or seen < SYMBOLS)
    assert asked == [3] * 200


def test_what_is_marked_is_random(steps):
    inputs, outcomes = steps
    assert 70 < np.sum(inputs == MARK) < 130
    assert set(outcomes[inputs == MARK].tolist()) == set(range(SYMBOLS))


def test_it_is_the_same_everywhere():
    digest = hashlib.sha256(b"".join(array.tobytes() for array in ExampleStream().load("train"))).hexdigest()
    assert digest == "0c37cac30e37d49bca144ac0972a8310a061b2a85e772a45b5a2448bbaa25a05"


def test_files_are_made_once_and_mended(cache, steps):
    data = ExampleStream()
    assert (data.missing(), data.found()) == ([], "generated")
    assert "is not there, and is made" in data.check()[0]
    folder = data.folder("held-out")
    assert folder == cache / "example-stream" / "held-out"
    for array, name in zip(steps, ("inputs", "outcomes"), strict=True):
        np.testing.assert_array_equal(np.load(folder / f"{name}.npy"), array)
    made = (folder / "inputs.npy").stat().st_mtime_ns
    assert data.folder("held-out") == folder and (folder / "inputs.npy").stat().st_mtime_ns == made
    (folder / "inputs.npy").write_bytes(b"no")
    with pytest.raises(UsageError, match=r"held-out/inputs\.npy: it is not what it should be\. Delete it"):
        data.check()
    assert "held-out holds inputs.npy" in data.get()[1]
    assert all("as expected" in sentence for sentence in data.check())


def test_a_place_that_cannot_be_written(cache):
    cache.parent.mkdir(parents=True)
    cache.touch()
    with pytest.raises(RunError, match="could not be written"):
        ExampleStream().folder("train")
