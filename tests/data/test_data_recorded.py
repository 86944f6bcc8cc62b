"""Files of recordings of one's own."""

import numpy as np
import pytest

from vestige.data import read_recorded
from vestige.errors import UsageError


def test_one_array_is_one_recording(tmp_path):
    seen = np.random.default_rng(0).integers(0, 5, (7, 3)).astype(np.int16)
    np.save(tmp_path / "a.npy", seen)
    found, dtype = read_recorded(tmp_path / "a.npy")
    np.testing.assert_array_equal(found.frames.frames, seen)
    assert (dtype, found.frames.frames.dtype, found.frames.lengths.tolist()) == (np.int16, np.float64, [7])
    assert found.outcomes.shape == (7, 0)
    np.save(tmp_path / "b.npy", seen[:, 0])
    assert read_recorded(tmp_path / "b.npy")[0].frames.frames.shape == (7, 1)


def test_several_recordings_and_outcomes(tmp_path):
    seen, outcomes = np.arange(14.0).reshape(7, 2), np.arange(7.0)
    np.savez(tmp_path / "a.npz", observations=seen, lengths=[3, 4], outcomes=outcomes)
    found, _ = read_recorded(tmp_path / "a.npz")
    early, late = found.parted(0.3)
    assert (early.frames.lengths.tolist(), late.frames.lengths.tolist()) == ([2, 3], [1, 1])
    np.testing.assert_array_equal(early.frames.frames, seen[[0, 1, 3, 4, 5]])
    np.testing.assert_array_equal(late.outcomes[:, 0], outcomes[[2, 6]])


def test_files_keep_their_digits(tmp_path):
    """A level of 1e7 with changes of 1e-3, and lengths of any type of integer."""
    seen = 1e7 + 1e-3 * np.arange(320.0)
    np.savez(tmp_path / "a.npz", observations=seen, outcomes=seen, lengths=np.array([300, 20], np.uint64))
    found, _ = read_recorded(tmp_path / "a.npz")
    assert len(np.unique(found.frames.frames)) == len(np.unique(found.outcomes)) == 320
    early, late = found.parted(0.1)
    assert len(np.unique(np.concatenate([early.frames.frames, late.frames.frames]))) == 320
    assert late.frames.lengths.tolist() == [30, 2]


@pytest.mark.parametrize("lengths", [np.array([2**32 + 400]), np.array([2**63, 2**63, 400], np.uint64), [2**62] * 4])
def test_lengths_are_summed_exactly(lengths, tmp_path):
    """2^32 + 400 as int32 is 400, and a sum of uint64 comes round to 400."""
    np.savez(tmp_path / "a.npz", observations=np.ones(400), lengths=lengths)
    with pytest.raises(UsageError, match=f"sum to 400 frames, got a sum of {sum(map(int, lengths))}"):
        read_recorded(tmp_path / "a.npz")


@pytest.mark.parametrize("value", [np.uint64(2**64 - 1), np.int64(-(2**60))])
def test_integers_that_float64_cannot_tell_apart_are_refused(value, tmp_path):
    np.save(tmp_path / "a.npy", np.array([0, value], type(value)))
    with pytest.raises(UsageError, match="integers of observations must be within"):
        read_recorded(tmp_path / "a.npy")


@pytest.mark.parametrize("name", ["observations", "outcomes"])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_are_named_with_their_step(name, value, tmp_path):
    arrays = {"observations": np.ones((7, 2)), "outcomes": np.ones(7)}
    arrays[name][4:] = value
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(UsageError, match=f"{name} must be finite, or NaN where they are missing, got inf at step 4"):
        read_recorded(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("name", "arrays", "message"),
    [
        ("gone.npy", None, "there is no such file; give an .npy file of observations"),
        ("a.csv", "text", "a.csv: recordings are read from an .npy file"),
        ("a.npy", "text", "not a sound npy file"),
        ("a.npz", "text", "not a sound npz file"),
        ("a.npz", {"x": np.ones(3)}, "it has no array observations, only x"),
        ("a.npz", {"observations": np.array(["a", "b"])}, "observations must be real numbers, got <U1"),
        ("a.npz", {"observations": np.ones(4), "lengths": [3]}, "must be positive and sum to 4 frames, got a sum of 3"),
        ("a.npz", {"observations": np.ones(4), "lengths": [1.5, 2.5]}, "lengths must be integers, got float64"),
        ("a.npz", {"observations": np.ones((2, 2, 2, 1, 1))}, r"observations must be \(total, .*got \(2, 2, 2, 1, 1\)"),
        ("a.npz", {"observations": np.ones(4), "outcomes": np.ones(3)}, r"outcomes must be \(4, numbers\)"),
        ("a.npz", {"observations": np.ones((0, 3))}, "nothing empty"),
        ("a.npz", {"observations": np.float64(3.0)}, "nothing empty"),
    ],
)
def test_what_is_no_recording_is_refused(name, arrays, message, tmp_path):
    path = tmp_path / name
    if arrays == "text":
        path.write_text("time,value\n0,1\n")
    elif arrays is not None:
        np.savez(path, **arrays)
    with pytest.raises(UsageError, match=message) as refused:
        read_recorded(path)
    assert str(path) in str(refused.value)
