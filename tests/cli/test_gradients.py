"""`vestige gradients` as a person meets it."""

import json
import subprocess
import sys

import pytest

QUICK = ("--samples", 2000, "--blocks", 2, "--critic-steps", 5, "--n", 3)
TWO = ("--estimators", "leave-one-out,biased-straight-through,without-replacement")


@pytest.mark.slow
def test_from_start_to_report(run, tmp_path):
    code, out, err = run("gradients", "spanning-tree", *QUICK, *TWO)
    assert code == 0, err
    assert all(len(line) <= 100 for line in out.splitlines())
    assert "exact, by listing 6 traces" in out
    assert "left out: without-replacement" in out.replace("\n", " ")
    folder = tmp_path / "runs" / "gradients-spanning-tree-n3"
    results = json.loads((folder / "results.json").read_text())
    assert list(results["estimators"]) == ["leave-one-out", "biased-straight-through"]
    assert [quality["deviates"] for quality in results["estimators"].values()] == [False, True]
    assert results["options"]["seed"] == 0 and results["versions"]["jax"] and results["device"]
    assert (folder / "gradients.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "report.html").read_text()
    assert "biased-straight-through" in page and "data:image/png;base64," in page
    code, _, err = run("gradients", "spanning-tree", *QUICK, *TWO, "--out", folder)
    assert code == 2
    assert "exists. Choose another --out" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "which structure?"),
        (("spaning-tree",), "unknown structure 'spaning-tree'. Did you mean 'spanning-tree'"),
        (("matching", "--estimators", "leave-one-ot"), "Did you mean 'leave-one-out'"),
        (("matching", "--estimators", "without-replacement"), "none of these estimators is defined for matching"),
        (("matching", "--objective", "quadratik"), "Did you mean 'quadratic'"),
        (("categorical", "--objective", "toy"), "there is no objective 'toy' for categorical"),
        (("matching", "--n", "1"), "n must be at least 2, got 1"),
        (("matching", "--draws", "1"), "draws must be at least 2, got 1"),
        (("subset", "--n", "3", "--k", "4"), "k must lie between 1 and n = 3, got 4"),
        (("matching", "--k", "2"), "Unrecognized options: --k"),
        (("matching", "--samples", "20"), "samples must be at least 2"),
        (("matching", "--scale", "0"), "scale must be positive"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_commands_exit_with_two_and_one_message(run, arguments, message, tmp_path):
    code, out, err = run("gradients", *arguments)
    assert code == 2
    assert message in " ".join((out + err).replace("│", " ").split())
    assert "Traceback" not in out + err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("arguments", [["gradients", "--help"], ["gradients", "matching", "--help"]])
def test_telling_does_not_import_jax(arguments):
    code = (
        f"import sys; from vestige.cli import main\ntry: main({arguments})\nexcept SystemExit as e: assert not e.code\n"
    )
    code += "assert 'jax' not in sys.modules, 'jax'; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
