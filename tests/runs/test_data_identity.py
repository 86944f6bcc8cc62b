"""The data of a run are recognised: moved, replaced, missing, or named anew."""

import numpy as np
import pytest
import yaml

from vestige.data import NamedData
from vestige.data.contract import Dataset
from vestige.errors import RunError, UsageError
from vestige.experiments import CATALOGUE
from vestige.registries import registry
from vestige.runs.data_identity import DataInUse, check_unchanged, file_options, locate, present
from vestige.storage.fitted import write_fitted

KEEP = {"kind": "numbers"}


def begun(folder, experiment, fitted=KEEP):
    """The folder of a run, without the run."""
    folder.mkdir(parents=True, exist_ok=True)
    data = DataInUse.of(experiment.task, folder=folder)
    (folder / "config.yaml").write_text(yaml.safe_dump({"options": {}, "data": data.records()}))
    write_fitted(folder, fitted)
    return folder


@pytest.fixture
def recordings(tmp_path, monkeypatch):
    """A file, an experiment on it by a relative path, and its run folder."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    np.save("mine.npy", np.arange(8.0).reshape(4, 2))
    experiment = CATALOGUE["recordings"].preset("small").replace("task.path", "mine.npy")
    return project, experiment, begun(project / "runs" / "one", experiment)


def test_a_relative_path_means_where_the_run_was_started(recordings, monkeypatch, tmp_path):
    project, experiment, folder = recordings
    monkeypatch.chdir(tmp_path)
    found = locate(folder, experiment)
    assert found.experiment.task.path == str(project / "mine.npy")
    assert (found.fitted, found.notices) == (KEEP, [])


def test_run_and_data_may_move_together(recordings, monkeypatch, tmp_path):
    project, experiment, _ = recordings
    monkeypatch.chdir(tmp_path)
    project.rename(tmp_path / "elsewhere")
    found = locate(tmp_path / "elsewhere" / "runs" / "one", experiment)
    assert found.experiment.task.path == str(tmp_path / "elsewhere" / "mine.npy")


def test_a_replaced_file_is_refused_in_evaluation_and_in_resuming(recordings):
    project, experiment, folder = recordings
    np.save("mine.npy", np.ones((4, 2)))
    with pytest.raises(
        UsageError, match=r"mine\.npy \(--task\.path of .*then 192 bytes, SHA-256 .*, now .*--data FILE"
    ):
        locate(folder, experiment)
    for now in (DataInUse.of(experiment.task, folder=folder).records(), present(experiment.task, folder=folder)):
        with pytest.raises(UsageError, match="then 192 bytes.*Put the first file back to go on.* another --out"):
            check_unchanged(folder, now)
    (project / "mine.npy").unlink()
    check_unchanged(folder, present(experiment.task, folder=folder))  # a run that is over does without


def test_a_missing_file_is_one_sentence(recordings):
    project, experiment, folder = recordings
    (project / "mine.npy").rename("yours.npy")
    with pytest.raises(UsageError, match=r"^\S+mine\.npy \(--task\.path of the run in .* is missing.*--data FILE"):
        locate(folder, experiment)
    found = locate(folder, experiment, data=project / "yours.npy")
    assert found.experiment.task.path == str(project / "yours.npy") and not found.notices


def test_other_data_are_taken_where_they_are_named_and_said(recordings):
    project, experiment, folder = recordings
    np.save("other.npy", np.ones((4, 2)))
    found = locate(folder, experiment, data=project / "other.npy")
    assert found.experiment.task.path == str(project / "other.npy")
    assert len(found.notices) == 1 and "other.npy, which is not the file of the run" in found.notices[0]
    (folder / "fitted.json").unlink()
    with pytest.raises(UsageError, match=r"fitted\.json, which holds what was fitted in training, is missing"):
        locate(folder, experiment, data=project / "other.npy")


def test_where_a_file_lies_is_no_part_of_a_run(recordings, tmp_path):
    project, experiment, folder = recordings
    moved = experiment.replace("task.path", str(project / "mine.npy"))
    check_unchanged(folder, DataInUse.of(moved.task, folder=folder).records())
    assert file_options(folder, moved.task) == {"task.path"}
    assert file_options(folder, experiment.replace("task.path", None).task) == set()


def test_a_file_that_is_written_to_in_mid_run_is_noticed(recordings):
    _, experiment, folder = recordings
    data = DataInUse.of(experiment.task, folder=folder)
    assert data.changed() is None
    np.save("mine.npy", np.ones((5, 2)))
    assert str(data.changed()).startswith("mine.npy was changed while the run read it")


def test_of_an_earlier_version_nothing_is_known_and_that_is_said(recordings):
    project, experiment, folder = recordings
    (folder / "config.yaml").write_text("options: {}")
    (folder / "fitted.json").unlink()
    check_unchanged(folder, DataInUse.of(experiment.task, folder=folder).records())
    (notice,) = locate(folder, experiment).notices
    assert "whether mine.npy is the same file is not known" in notice
    (notice,) = locate(folder, experiment, data=project / "mine.npy").notices
    assert "what was fitted in training is fitted again" in notice


def test_a_damaged_record_is_one_sentence(recordings):
    _, experiment, folder = recordings
    for damaged in (3, [3], [{"option": "path"}], [{"dataset": "x"}]):
        (folder / "config.yaml").write_text(yaml.safe_dump({"options": {}, "data": damaged}))
        with pytest.raises(UsageError, match=r"config\.yaml is damaged: data must say"):
            locate(folder, experiment)


@pytest.fixture
def stream(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("train", "held"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "inputs.npy", np.zeros(60, np.uint8))
        np.save(tmp_path / name / "outcomes.npy", np.zeros(60, np.uint8))
    experiment = CATALOGUE["stream"].preset("small")
    for option, value in (("train", "train"), ("held_out", "held"), ("tokens", 6), ("classes", 5)):
        object.__setattr__(experiment.task, option, value)
    task = experiment.task.build(seed=0)
    return tmp_path, experiment, begun(tmp_path / "run", experiment, experiment.task.fitted(task))


def test_an_evaluation_needs_no_training_file(stream):
    place, experiment, folder = stream
    for path in (place / "train").iterdir():
        path.unlink()
    (place / "train").rmdir()
    found = locate(folder, experiment)
    assert not found.notices
    task = found.experiment.task.build_fitted(found.fitted, seed=0)
    assert (task.train.length, task.train.inputs, task.held_out.length) == (60, task.held_out.inputs, 60)
    with pytest.raises(RunError, match="train: the file that the run was trained on is not read"):
        task.train.read(0, 1)
    with pytest.raises(UsageError, match="train: the stored description of its steps is damaged"):
        found.experiment.task.build_fitted({}, seed=0)
    (place / "held" / "inputs.npy").unlink()
    with pytest.raises(UsageError, match=r"held/inputs\.npy: there is no such file"):
        locate(folder, experiment)


def test_a_replaced_training_file_is_said_and_another_held_out_one_is_taken(stream):
    place, experiment, folder = stream
    np.save(place / "train" / "outcomes.npy", np.ones(60, np.uint8))
    (notice,) = locate(folder, experiment).notices
    assert "train is no longer the file that the run was trained on; it is not read in an evaluation" in notice
    np.save(place / "train" / "outcomes.npy", np.zeros(60, np.uint8))
    (place / "train" / "notes.txt").write_text("beside")  # nothing that is read
    assert not locate(folder, experiment).notices
    np.save(place / "held" / "outcomes.npy", np.ones(60, np.uint8))
    with pytest.raises(UsageError, match=r"--task\.held-out of the run in .* is not the file"):
        locate(folder, experiment)
    assert locate(folder, experiment, data=place / "held").experiment.task.held_out == str(place / "held")


def test_a_data_set_is_a_part_of_a_run(tmp_path, monkeypatch):
    experiment = CATALOGUE["pixel-mnist"].preset("small")
    folder = begun(tmp_path / "run", experiment)
    assert locate(folder, experiment).notices == []
    with pytest.raises(UsageError, match=r"--data x\.npy names a file .* reads the data set digits; leave it out"):
        locate(folder, experiment, data=tmp_path.relative_to(tmp_path) / "x.npy")
    dataset = type(registry("dataset")["digits"])
    monkeypatch.setattr(dataset, "digests", lambda self: {"train": "0", "test": "1"})
    for refused in (
        lambda: locate(folder, experiment),
        lambda: check_unchanged(folder, DataInUse.of(experiment.task, folder=folder).records()),
    ):
        with pytest.raises(UsageError, match=r"data set digits .* its digests differ\. Set VESTIGE_DATA"):
            refused()


class LoadedError(Exception):
    """In place of what a data set would give."""


def test_every_task_says_which_data_sets_it_reads(monkeypatch):
    def load(self, *_):
        raise LoadedError(self.name)

    kinds = {kind for data in registry("dataset").values() for kind in type(data).__mro__ if issubclass(kind, Dataset)}
    for kind in kinds:
        if "load" in vars(kind):
            monkeypatch.setattr(kind, "load", load)
    reading = 0
    for name, spec in registry("task").items():
        sources = [source for source in spec.sources() if isinstance(source, NamedData)]
        for source in sources:
            digests = registry("dataset")[source.name].digests if source.files else dict
            assert set(source.files or ()) <= set(digests()), name
            with pytest.raises(LoadedError, match=source.name):
                spec.build(seed=0)
            reading += 1
    assert reading >= 12
