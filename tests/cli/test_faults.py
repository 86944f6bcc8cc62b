"""The command line calls a fault a fault (exit code 1), and a refusal a refusal (2)."""

import numpy as np
import pytest

TINY = ("--task.l", "2", "--task.k", "1", "--model.latent-size", "2", "--model.width", "4", "--steps", "1")


def fault(*args, **kwargs):
    """A `ValueError` of numpy's, raised somewhere deep inside."""
    return np.zeros(3) + np.zeros(2)


@pytest.mark.parametrize(
    "where",
    [
        "vestige.tasks.image_options.ImageOptions.pools",
        "vestige.models.temporal.specs.TemporalSpec.build",
        "vestige.rules.gradient.Gradient.init",
        "vestige.rules.gradient.Gradient.step",
    ],
)
def test_a_value_error_inside_is_no_usage(run, monkeypatch, where):
    monkeypatch.setattr(where, fault)
    code, _, err = run("run", "perfect-recall", *TINY, "--out", "x")
    assert code == 1
    assert "vestige: ValueError: operands could not be broadcast" in err and "VESTIGE_TRACEBACK=1" in err
    monkeypatch.setenv("VESTIGE_TRACEBACK", "1")
    _, _, err = run("run", "perfect-recall", *TINY, "--out", "y")
    assert "Traceback" in err and "in fault" in err


def test_a_batch_larger_than_the_file_is_usage_before_anything_starts(run, tmp_path):
    for name in ("train", "held"):
        (tmp_path / name).mkdir()
        for what in ("inputs", "outcomes"):
            np.save(tmp_path / name / f"{what}.npy", np.zeros(20, np.uint8))
    files = ("--task.train", "train", "--task.held-out", "held", "--task.tokens", "2", "--task.classes", "2")
    for batch, evaluated in ((21, 20), (20, 21)):
        code, _, err = run("run", "stream", *files, "--batch-size", batch, "--eval-size", evaluated, "--out", "x")
        assert code == 2 and "count must be in 1..20, its number of steps, got 21" in err
        assert not (tmp_path / "x").exists()
