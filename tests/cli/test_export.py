"""`vestige export`: what is written predicts the same, by Vestige and without it."""

import json
import shutil
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

import vestige

TINY = ("--steps", "2", "--num-evals", "1", "--model.hidden", "2", "--model.width", "4", "--model.horizon", "1")
WITHOUT_VESTIGE = """
import sys
sys.modules["vestige"] = None  # cannot be imported
import re
code = re.findall(r"```python\\n(import numpy.*?)```", open("README.md").read(), re.S)
assert len(code) == 1
exec(code[0])
"""


@pytest.mark.slow
def test_a_program_runs_without_vestige_and_predicts_what_the_run_does(run, tmp_path):
    walk = np.cumsum(np.random.default_rng(0).normal(size=(300, 2)), 0) * [1.0, 1e6]
    lines = "".join(f"{a!r},{b!r}\n" for a, b in walk.tolist())
    (tmp_path / "mine.csv").write_text(f"a,b\n{lines}")
    assert run("run", "recordings", "--task.path", "mine.csv", "--task.changes", *TINY, "--out", "mine")[0] == 0
    expected = list(vestige.load(tmp_path / "mine").predict(tmp_path / "mine.csv"))
    code, out, err = run("export", "mine", "--out", "export", "--licence", "CC0")
    assert (code, err) == (0, "") and "One step of a recording" in out
    code, _, err = run("export", "mine", "--out", "export")
    assert code == 2 and "is not an empty folder" in err
    shutil.rmtree(tmp_path / "mine")
    (tmp_path / "mine.csv").rename(tmp_path / "other.csv")
    found = list(vestige.load(tmp_path / "export").predict(tmp_path / "other.csv"))
    for name in ("mean", "low", "high", "surprise"):
        np.testing.assert_array_equal(getattr(found[0], name), getattr(expected[0], name))

    code, _, err = run("evaluate", "export")
    assert code == 2 and "name a file" in err
    assert run("evaluate", "export", "--data", "other.csv")[0] == 0

    from jax import export as programs

    program = programs.deserialize(bytearray((tmp_path / "export/step.stablehlo").read_bytes()))
    fitted = json.loads((tmp_path / "export/fitted.json").read_text())
    with np.load(tmp_path / "export/step.npz") as example:
        state = [example[name] for name in example if name.startswith("in.state.")]
    y = (walk - fitted["mean"]) / fitted["scale"]
    moved = (np.diff(y, axis=0, prepend=np.nan) - fitted["changes"]["mean"]) / fitted["changes"]["scale"]
    features = np.concatenate([y, np.where(np.isnan(moved), 0.0, moved)], 1).astype(np.float32)
    for step in range(5):
        inputs = (jnp.asarray(features[step]), jnp.asarray(step == 0), jnp.asarray(step, jnp.uint32))
        mean, surprise, *state = program.call(*inputs, *state)
        value = np.asarray(fitted["mean"]) + np.asarray(fitted["scale"]) * np.asarray(mean, np.float64)
        np.testing.assert_allclose(value, expected[0].mean[step], rtol=1e-5)
        np.testing.assert_allclose(surprise, expected[0].surprise[step], rtol=1e-4)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_VESTIGE], cwd=tmp_path / "export", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
