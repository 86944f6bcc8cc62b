import errno
import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.errors import RunError, UsageError
from vestige.training import Checkpoints


def state(value, shape=(3,)):
    return {"weights": jnp.full(shape, value), "key": jax.random.key(int(value)), "name": "static"}


@pytest.fixture
def store(tmp_path):
    return Checkpoints(tmp_path / "checkpoints", fingerprint="here", keep=3)


def largest_file(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"]
    return max(files, key=lambda path: path.stat().st_size)


def test_comes_back_as_it_was_typed_keys_included(store):
    store.save(state(4.0), 7)
    restored, step, notices = store.restore(state(0.0))
    assert (step, notices) == (7, [])
    np.testing.assert_array_equal(restored["weights"], jnp.full(3, 4.0))
    assert jax.random.key_data(restored["key"]).tolist() == jax.random.key_data(jax.random.key(4)).tolist()
    assert restored["name"] == "static"


def test_arrays_that_hold_nothing_come_back_too(store):
    store.save({**state(4.0), "none": jnp.zeros((3, 0), jnp.int32)}, 7)
    restored, step, notices = store.restore({**state(0.0), "none": jnp.zeros((3, 0), jnp.int32)})
    assert (step, notices, restored["none"].shape) == (7, [], (3, 0))
    np.testing.assert_array_equal(restored["weights"], jnp.full(3, 4.0))
    with pytest.raises(UsageError, match="none: saved int32"):
        store.restore({**state(0.0), "none": jnp.zeros((4, 0), jnp.int32)})


def test_nothing_there_gives_the_template(store):
    template = state(1.0)
    assert store.restore(template) == (template, None, [])


def test_keeps_the_newest(store):
    for step in range(1, 6):
        store.save(state(float(step)), step)
    assert store.steps() == [5, 4, 3]


def test_saving_a_step_again_replaces_it(store):
    store.save(state(1.0), 3)
    store.save(state(2.0), 3)
    assert float(store.restore(state(0.0))[0]["weights"][0]) == 2


@pytest.mark.parametrize("damage", ["flipped", "truncated", "missing file", "no manifest", "broken manifest"])
def test_a_damaged_one_falls_back_and_says_so(store, damage):
    store.save(state(1.0), 1)
    store.save(state(2.0), 2)
    folder = store.folder / "2"
    victim = largest_file(folder)
    if damage == "flipped":
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(bytes(content))
    elif damage == "truncated":
        victim.write_bytes(victim.read_bytes()[:-3])
    elif damage == "missing file":
        victim.unlink()
    elif damage == "no manifest":
        (folder / "manifest.json").unlink()
    else:
        (folder / "manifest.json").write_text("{")
    restored, step, notices = store.restore(state(0.0))
    assert step == 1
    assert float(restored["weights"][0]) == 1
    assert len(notices) == 1
    assert str(folder) in notices[0]


def test_what_an_interrupted_save_left_is_cleared(store):
    store.save(state(1.0), 1)
    leftover = store.folder / "2.orbax-checkpoint-tmp"
    leftover.mkdir()
    assert store.restore(state(0.0))[1] == 1
    store.save(state(3.0), 3)
    assert not leftover.exists()


def test_another_fingerprint_is_refused(store, tmp_path):
    store.save(state(1.0), 1)
    with pytest.raises(UsageError, match="another configuration"):
        Checkpoints(tmp_path / "checkpoints", fingerprint="there").restore(state(0.0))


def test_another_shape_is_refused_with_both_sides(store):
    store.save(state(1.0), 1)
    with pytest.raises(UsageError, match=r"weights: saved float32\[3\], expected float32\[5\]"):
        store.restore(state(0.0, (5,)))


def test_a_failed_write_is_one_message_and_harms_nothing(store, monkeypatch):
    store.save(state(1.0), 1)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("orbax.checkpoint.StandardCheckpointer.save", full)
    with pytest.raises(RunError, match="cannot write a checkpoint to .*no space left"):
        store.save(state(2.0), 2)
    monkeypatch.undo()
    assert store.restore(state(0.0))[1] == 1


def test_a_disk_that_is_nearly_full_is_noticed_beforehand(store, monkeypatch):
    store.save(state(1.0), 1)
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(RunError, match="no space left on the device: .* 1 free"):
        store.save(state(2.0), 2)
    monkeypatch.undo()
    assert store.restore(state(0.0))[1] == 1
    assert store.steps() == [1]


def test_the_manifest_names_leaves_and_files(store):
    store.save(state(1.0), 1)
    manifest = json.loads((store.folder / "1" / "manifest.json").read_text())
    assert manifest["leaves"]["weights"] == "float32[3]"
    assert manifest["step"] == 1
    assert all(len(digest) == 64 for digest in manifest["files"].values())


def test_keeping_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="keep must be at least 1"):
        Checkpoints(tmp_path, fingerprint="", keep=0)
