"""Documents one after the other in a file, and the sequences they make."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.errors import UsageError
from vestige.sequences import Documents, NpyReader, documents
from vestige.sequences.places import PART, place, step_of

LENGTHS = [3, 1, 4, 2]


def marks(folder, values):
    """A reader whose inputs are these."""
    folder.mkdir(exist_ok=True)
    np.save(folder / "marks.npy", values)
    np.save(folder / "outcomes.npy", np.zeros(len(values), np.uint8))
    return NpyReader(folder / "marks.npy", folder / "outcomes.npy")


def lies(found):
    return [step_of(*begin) for begin in np.asarray(found.begins).tolist()], np.asarray(found.lengths).tolist()


@pytest.mark.parametrize("chunk", [1, 2, 3, 4, 100])
@pytest.mark.parametrize("kind", ["identifiers", "first steps", "but the very first", "alternating"])
def test_boundaries_wherever_the_reading_stops(kind, chunk, tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "READ_STEPS", chunk)
    number = np.repeat([7, 2**40, 9, 7], LENGTHS)
    column = {
        "identifiers": number,
        "first steps": np.concatenate([[True], number[1:] != number[:-1]]),
        "but the very first": np.concatenate([[False], number[1:] != number[:-1]]),  # the file begins one anyway
        "alternating": np.repeat(np.array([1, 0, 1, 0], np.uint8), LENGTHS),
    }[kind]
    found = Documents.read(marks(tmp_path, column))
    assert lies(found) == ([0, 3, 4, 8], LENGTHS)
    assert (found.count, found.longest) == (4, 4)


def test_a_file_of_one_document(tmp_path):
    assert lies(Documents.read(marks(tmp_path, np.zeros(5, bool)))) == ([0], [5])


def test_what_tells_no_documents_apart_is_refused(tmp_path):
    for values, what in ((np.zeros(3), r"got float64\[\]"), (np.zeros((3, 2), int), r"got int64\[2\]")):
        with pytest.raises(UsageError, match="one integer or boolean per step, " + what):
            Documents.read(marks(tmp_path, values))
    with pytest.raises(ValueError, match=r"x: a document has at most 1,073,741,824 steps, got one of 1,073,741,825"):
        Documents.of_lengths(np.array([2**30 + 1]), "x")


def test_far_into_a_file_a_place_is_exact():
    found = Documents.of_lengths(np.array([PART - 5, 4, 10, PART, 3]), "x")
    assert lies(found)[0] == [0, PART - 5, PART - 1, PART + 9, 2 * PART + 9]
    later = documents._later(found.begins[2], jnp.array(7, jnp.int32))
    assert later.tolist() == place(PART + 6).tolist()


def test_a_sequence_is_a_document_or_a_segment_inside_one(tmp_path):
    number = np.repeat([1, 2, 3, 4], LENGTHS)
    reader = marks(tmp_path, number)
    found = Documents.read(reader)
    whole = found.all_of(reader)
    window = jax.jit(jax.vmap(lambda sequence: sequence.window(jnp.array(0, jnp.int32), 4)))(whole)
    for row, (length, inside) in enumerate(zip(LENGTHS, np.asarray(window.inside), strict=True)):
        assert inside.tolist() == [step < length for step in range(4)]
        assert np.asarray(window.inputs)[row][inside].tolist() == [row + 1] * length

    @jax.jit
    def drawn(keys):
        one = lambda key: found.drawn(reader, 2, key=key)
        sequences = jax.vmap(one)(keys)
        return sequences, jax.vmap(lambda s: s.window(jnp.array(0, jnp.int32), 2))(sequences)

    sequences, window = drawn(jax.random.split(jax.random.key(0), 400))
    begins = [step_of(*begin) for begin in np.asarray(sequences.begin).tolist()]
    assert set(begins) == {0, 1, 3, 4, 5, 6, 8}  # every place at which two steps, or a whole document, lie inside one
    for length, inputs, inside in zip(sequences.length, window.inputs, window.inside, strict=True):
        assert int(inside.sum()) == int(length) and len(set(np.asarray(inputs)[np.asarray(inside)].tolist())) == 1
    counts = np.bincount(np.asarray(window.inputs)[:, 0])[1:]
    assert np.all(np.abs(counts - 100) < 4 * np.sqrt(400 * 0.25 * 0.75))  # documents, not steps, are equally likely
