"""How much a command says, where, and whether every screen suits its terminal."""

import json
import re

import pytest
from tests.report.conftest import make_comparison

from vestige.cli.options import split
from vestige.cli.run import Counted

FAST = ("--steps", "2", "--num-evals", "1", "--eval-size", "8", "--batch-size", "2")


def broken(text: str, width: int) -> list[str]:
    """Lines that are too long, though they hold no word that is."""
    return [line for line in text.splitlines() if len(line.rstrip()) > width and max(map(len, line.split())) < width]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder that holds a run of two updates."""
    folder = tmp_path_factory.mktemp("trained") / "first"
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder.parent)
        from vestige.cli import main

        with pytest.raises(SystemExit) as ended:
            main(["run", "toy-matching", "--steps", "2", "--num-evals", "1", "--out", str(folder)])
    assert not ended.value.code
    return folder


def test_a_run_says_where_it_is_on_what_and_how_large(run, tmp_path):
    code, out, _ = run("run", "toy-matching", "--steps", "2", "--out", "mine")
    assert code == 0
    lines = out.splitlines()
    assert lines[:2] == ["loading …", "toy-matching, preset small, seed 0, 2 updates"]
    assert lines[2] == "run folder: mine"
    assert re.fullmatch(r"device: .*CPU.*; 25 parameters", lines[3])
    phases = [line.split()[0] for line in lines if line.endswith("…")]
    assert phases == ["loading", "evaluating", "writing"]
    assert "update 2/2 (100%)" in out and lines[-1] == "report: mine/report.html"


def test_quiet_prints_results_alone(run):
    code, out, err = run("run", "toy-matching", "--steps", "2", "--out", "mine", "-q")
    assert (code, err) == (0, "")
    assert out.startswith("mine") and "this run" in out and "update 2/2" not in out and "run folder" not in out


def test_json_is_one_document_and_all_else_goes_to_standard_error(run, tmp_path):
    code, out, err = run("run", "toy-matching", "--steps", "2", "--out", "mine", "--json")
    found = json.loads(out)
    assert code == 0 and found["folder"] == "mine" and found["updates"] == 2
    assert found["metrics"] == json.loads((tmp_path / "mine" / "results.json").read_text())["metrics"]
    assert "run folder: mine" in err
    code, out, err = run("evaluate", "mine", "--json")
    assert code == 0 and json.loads(out)["metrics"] == found["metrics"]
    code, out, _ = run("compare", "toy-matching", "--vary", "n=3,4", "--steps", "2", "--jobs", "1", "--json", "-q")
    assert list(json.loads(out)["members"]) == ["n-3", "n-4"]


def test_verbose_lets_the_log_through(run, trained):
    assert "compiled programs" in run("evaluate", trained, "-v")[2]
    assert "compiled programs" not in run("evaluate", trained)[2]


def test_less_and_more_at_once_is_refused(run, trained):
    code, _, err = run("evaluate", trained, "-q", "--verbose")
    assert code == 2 and "give one of them" in err


def test_options_of_one_letter_are_no_values():
    words, options = split(["--resume", "-q", "--model.rate", "-1", "-v"])
    assert words == ["-q", "-v"]
    assert [tuple(option) for option in options] == [("resume", None), ("model.rate", "-1")]


def test_runs_at_once_are_counted(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    said: list[str] = []
    counted = Counted(3, said.append)
    counted("a: begun")
    now[0] = 60.0
    counted("a: done")
    counted("b: done")
    counted("c: done")
    assert said == [
        "a: begun",
        "a: done, 1 of 3, left about 2:00",
        "b: done, 2 of 3, left about 0:30",
        "c: done, 3 of 3",
    ]


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize(
    "command",
    [
        ("--help",),
        ("list",),
        ("list", "toy-matching"),
        ("list", "memory"),
        ("data", "list"),
    ],
    ids=" ".join,
)
def test_no_screen_is_too_wide(run, monkeypatch, command, width):
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, _ = run(*command)
    assert code == 0 and not broken(out, width) and "…" not in out.replace("COMMAND …", "")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_table_of_results_is_too_wide(run, monkeypatch, tmp_path, trained, width):
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, _ = run("evaluate", trained)
    assert code == 0 and not broken(out, width)
    assert {"gradient_std", "loss"} <= set(re.split(r"[\s|]+", out))
    rows = "\n".join(f"2024-01-{1 + i // 24:02} {i % 24:02}:00,{i % 7},{i % 5 / 4}" for i in range(200))
    (tmp_path / "table.csv").write_text(f"time_of_measurement,temperature,humidity\n{rows}\n")
    code, out, _ = run("data", "describe", "table.csv")
    assert code == 0 and not broken(out, width)
    assert {"time_of_measurement", "temperature", "humidity"} <= set(re.split(r"[\s:]+", out))


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_a_minus_survives_every_encoding(encoding):
    text = "−2.39 – 1…"
    plain = text.encode(encoding, errors="vestige.plain").decode(encoding)
    assert plain[0] == ("−" if encoding == "utf-8" else "-") and "?" not in plain
    assert "☃".encode(encoding, errors="vestige.plain") in (b"?", "☃".encode())


def test_members_of_a_comparison_are_named_whole(monkeypatch, capsys, tmp_path):
    from vestige.cli.tables import print_comparison

    monkeypatch.setenv("COLUMNS", "40")
    print_comparison(make_comparison(tmp_path / "many"))
    assert not broken(capsys.readouterr().out, 40)
