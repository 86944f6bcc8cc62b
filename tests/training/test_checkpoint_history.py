"""A manifest protects itself: what is damaged, swapped, copied or stripped is never restored as something else."""

import json
import random
import shutil

import jax.numpy as jnp
import numpy as np
import pytest

from vestige.errors import RunError
from vestige.training import Checkpoints
from vestige.training.manifest import Manifest, read_manifest


def state(step):
    return {"weights": jnp.full(3, float(step)), "step": jnp.asarray(step)}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Checkpoints of the updates 10, 20 and 30."""
    folder = tmp_path_factory.mktemp("written") / "checkpoints"
    store = Checkpoints(folder, fingerprint="here")
    for step in (10, 20, 30):
        store.save(state(step), step)
    return folder


@pytest.fixture
def store(written, tmp_path):
    return Checkpoints(shutil.copytree(written, tmp_path / "checkpoints"), fingerprint="here")


def restored(store):
    found, step, notices = store.restore(state(0))
    return int(found["step"]), step, notices


def manifest_of(store, step):
    return json.loads((store.folder / str(step) / "manifest.json").read_text())


def rewrite(store, step, told):
    (store.folder / str(step) / "manifest.json").write_text(json.dumps(told))


def test_no_flipped_bit_of_a_manifest_is_misread(written, tmp_path):
    folder = shutil.copytree(written / "30", tmp_path / "30")
    sound, path = read_manifest(folder), folder / "manifest.json"
    whole, chance, believed = path.read_bytes(), random.Random(0), 0
    for _ in range(1000):
        content = bytearray(whole)
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(bytes(content))
        found = read_manifest(folder)
        assert isinstance(found, str) or found == sound
        believed += isinstance(found, Manifest)
    assert believed < 200  # spaces between the values


def test_each_names_the_one_before(store):
    for older, newer in ((10, 20), (20, 30)):
        assert manifest_of(store, newer)["predecessor"] == {
            "step": older,
            "digest": manifest_of(store, older)["digest"],
        }
    assert manifest_of(store, 10)["predecessor"] is None


def test_a_copy_under_a_higher_number_is_not_the_newest(store):
    shutil.copytree(store.folder / "10", store.folder / "40")
    own, step, notices = restored(store)
    assert (own, step) == (30, 30)
    assert notices == [
        f"checkpoint {store.folder / '40'} is not what its name says (its manifest is that of update 10); "
        "trying the one before"
    ]


def test_swapped_folders_are_passed_over(store):
    for old, new in (("30", "aside"), ("20", "30"), ("aside", "20")):
        (store.folder / old).rename(store.folder / new)
    own, step, notices = restored(store)
    assert (own, step, len(notices)) == (10, 10, 2)


def test_the_state_itself_counts(store, written):
    """Arrays of another update, under a manifest that is right for them."""
    from vestige.training.manifest import MANIFEST, made

    shutil.rmtree(store.folder / "30")
    target = shutil.copytree(store.folder / "20", store.folder / "30")
    (target / MANIFEST).unlink()
    leaves = manifest_of(store, 20)["leaves"]
    link = read_manifest(store.folder / "20")
    from vestige.training.manifest import Link

    forged = made(target, step=30, fingerprint="here", leaves=leaves, predecessor=Link(20, link.digest), log="")
    forged.write(target)
    own, step, notices = restored(store)
    assert (own, step) == (20, 20)
    assert "its state is that of update 20" in notices[0]
    assert "update 20" in store.fault_of_state(30)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda told: told.update(files={}), "not what was written"),
        (lambda told: told.update(step=31), "not what was written"),
        (lambda told: told.pop("digest"), "not what was written"),
        (lambda told: told.update(schema=1), "not what was written"),
        (lambda told: [told.pop(name) for name in ("digest", "schema")], "lacks what it must hold, or holds more"),
        (lambda told: [told.pop(n) for n in ("digest", "schema", "predecessor", "log")], "has lost its digest"),
    ],
)
def test_a_changed_manifest_is_damaged(store, change, said):
    told = manifest_of(store, 30)
    change(told)
    rewrite(store, 30, told)
    own, _, notices = restored(store)
    assert own == 20 and said in notices[0]


def test_files_that_do_not_belong_are_noticed(store):
    (store.folder / "30" / "d" / "more").write_bytes(b"")
    assert "d/more does not belong to it" in store.fault(30)
    (store.folder / "20").rename(store.folder / "aside")
    (store.folder / "20").write_bytes(b"")
    assert "is no folder" in store.fault(20)
    (store.folder / "²").mkdir()
    assert store.steps() == [30, 20, 10]


def test_one_of_another_history_is_passed_over(store, tmp_path):
    """The same run, made elsewhere: its checkpoint 30 was not written after the 20 that is here."""
    other = Checkpoints(tmp_path / "other", fingerprint="here")
    for step in (10, 20, 30):
        other.save(state(step), step)
    shutil.rmtree(store.folder / "30")
    shutil.copytree(other.folder / "30", store.folder / "30")
    own, step, notices = restored(store)
    assert (own, step) == (20, 20) and "of another history" in notices[0]


class TestOldManifests:
    """Of version 0.1: without digest."""

    @pytest.fixture
    def old(self, store):
        for step in (10, 20, 30):
            told = manifest_of(store, step)
            del told["files"]["SEALED"]
            rewrite(store, step, {name: told[name] for name in ("step", "fingerprint", "leaves", "files")})
            (store.folder / str(step) / "SEALED").unlink()
        return store

    def test_they_are_read(self, old):
        assert restored(old) == (30, 30, [])

    def test_their_files_and_names_count(self, old):
        rewrite(old, 30, {**manifest_of(old, 30), "files": {}})
        shutil.rmtree(old.folder / "20")
        shutil.copytree(old.folder / "10", old.folder / "20")
        own, _, notices = restored(old)
        assert own == 10 and "names no files" in notices[0] and "that of update 10" in notices[1]

    def test_the_next_one_is_sealed_and_none_without_seal_follows_it(self, old):
        old.save(state(40), 40)
        assert restored(old)[:2] == (40, 40)
        newer = shutil.copytree(old.folder / "30", old.folder / "50")
        told = manifest_of(old, 30)
        (newer / "manifest.json").write_text(json.dumps({**told, "step": 50}))
        own, _, notices = restored(old)
        assert own == 40 and "it has no digest, yet the one before has" in notices[0]


class TestPruning:
    def test_what_was_just_written_is_kept_and_damaged_ones_are_set_aside(self, store):
        for step in (10, 20, 30):
            (store.folder / str(step) / "manifest.json").write_text("{")
        notices = store.save(state(5), 5)
        assert store.steps() == [5] and restored(store) == (5, 5, [])
        assert len(notices) == 3 and "set aside as 30.damaged-1" in notices[0]
        assert (store.folder / "30.damaged-1" / "manifest.json").read_text() == "{"

    def test_damaged_ones_do_not_count_among_those_kept(self, store):
        (store.folder / "20" / "_METADATA").write_bytes(b"")
        store.save(state(40), 40)
        assert store.steps() == [40, 30, 10]

    def test_a_damaged_one_is_never_overwritten(self, store):
        (store.folder / "30" / "manifest.json").write_text("{")
        for count in (1, 2):
            (store.folder / "30" / "manifest.json").write_text("{")
            store.save(state(30), 30)
            assert (store.folder / f"30.damaged-{count}").is_dir()
        assert restored(store) == (30, 30, [])

    def test_a_kill_while_one_is_removed_leaves_no_damaged_one(self, store, monkeypatch):
        def killed(path, **_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("shutil.rmtree", killed)
            with pytest.raises(KeyboardInterrupt):
                store.remove(10)
        assert store.steps() == [30, 20]
        store.save(state(40), 40)
        assert sorted(path.name for path in store.folder.iterdir()) == ["20", "30", "40"]


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "checkpoints").write_text("")
    store = Checkpoints(tmp_path / "checkpoints", fingerprint="here")
    assert "is no folder" in store.restore(state(0))[2][0]
    assert "set aside as checkpoints.damaged-1" in store.save(state(1), 1)[0]
    assert restored(store) == (1, 1, [])


def test_a_state_that_counts_otherwise_is_refused(store):
    with pytest.raises(ValueError, match="the state counts 3 updates, got 4"):
        store.save(state(3), 4)


def test_arrays_come_without_their_model(store):
    stored = store.stored(prefix="wei")
    assert (stored.step, stored.digest) == (30, manifest_of(store, 30)["digest"])
    np.testing.assert_array_equal(stored.leaves["ghts"], np.full(3, 30.0))
    assert Checkpoints(store.folder / "none", fingerprint="").stored() is None
    (store.folder / "30" / "manifest.json").write_text("{")
    with pytest.raises(RunError, match="manifest cannot be read"):
        store.arrays(30)
