"""The command line as a person meets it: exit codes and one clear message."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vestige.cli.compare import folder_names, variants
from vestige.errors import UsageError
from vestige.experiments import Experiment
from vestige.memory.specs import IntrospectionSpec, NoMemorySpec
from vestige.models.temporal.specs import TemporalSpec
from vestige.tasks.frame_specs import PerfectRecallSpec

TINY = [
    "--task.l",
    "3",
    "--task.k",
    "2",
    "--model.latent-size",
    "4",
    "--model.controller-size",
    "16",
    "--model.width",
    "16",
]
TINY += ["--batch-size", "4", "--eval-size", "16", "--model.no-match-parameters"]
VARY = ["--vary", "memory=none,vrnn"]


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr("vestige.tasks.frame_diagnostics.REPEATS", 2)
    monkeypatch.setattr("vestige.tasks.frame_diagnostics.PARTICLES", 2)


@pytest.mark.parametrize("arguments", [(), ("--help",), ("run", "--help"), ("data",), ("--version",)])
def test_help_needs_nothing(run, arguments):
    code, out, err = run(*arguments)
    assert code == 0
    assert "vestige" in out
    assert err == ""


def test_options_of_an_experiment_are_listed(run):
    code, out, _ = run("run", "perfect-recall", "--help")
    assert code == 0
    for option in ("--task.l", "--model.memory.heads", "--rule.clip", "--preset", "--seeds", "--on-nonfinite"):
        assert option in out


def test_the_list_is_one_line_an_experiment(run):
    code, out, _ = run("list")
    assert code == 0
    assert "generative temporal models with memory\n  perfect-recall" in out
    assert out.count("perfect-recall") == 1
    assert all(len(line) <= 80 for line in out.splitlines())


def test_one_experiment_is_listed_with_presets_published_numbers_and_parts(run):
    code, out, _ = run("list", "perfect-recall")
    assert code == 0
    for words in ("small", "paper", "Introspective 0.0", "--model.memory introspection | none | vrnn", "6,000"):
        assert words in " ".join(out.split())


def test_parts_are_listed_by_contract(run):
    code, out, _ = run("list", "memory")
    assert code == 0 and "  dnc            Differentiable neural computer" in out
    code, out, _ = run("list", "rule", "--json")
    assert code == 0 and json.loads(out)["gradient"]["plugin"] == ""


def test_the_list_as_json_and_by_system(run):
    code, out, _ = run("list", "--system", "temporal models", "--json")
    told = json.loads(out)
    assert code == 0 and "perfect-recall" in told
    assert told["perfect-recall"]["presets"]["small"]["options"]["steps"] == 6000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rum",), "Did you mean 'run'"),
        (("run", "perfect-recal"), "Did you mean 'perfect-recall'"),
        (("run",), "which experiment?"),
        (("run", "perfect-recall", "--preset", "tiny"), "unknown preset 'tiny'"),
        (("run", "perfect-recall", "--memory", "introspecton"), "Did you mean 'introspection'"),
        (("run", "perfect-recall", "--memory.head", "2"), "--model.memory.heads"),
        (("run", "perfect-recall", "--steps", "2", "--steps", "3"), "--steps was given 2 times; give it once"),
        (("run", "perfect-recall", "--batch", "2", "--batch-size", "3"), "--batch-size was given 2 times"),
        (("run", "perfect-recall", "--memory", "dnc", "--model.memory", "ntm"), "was given 2 times"),
        (("run", "perfect-recall", "--optimiser.rate", "nan"), "--optimiser.rate: expected a finite number"),
        (("run", "perfect-recall", "--optimiser.rate", "inf"), "got 'inf'"),
        (("run", "perfect-recall", "--task.l", str(10**30)), "got one of 31 digits"),
        (("list", "nothing"), "unknown experiment or contract 'nothing'"),
        (("list", "--system", "nothing"), "no system is called 'nothing'"),
        (("run", "perfect-recall", "--plugin"), "--plugin needs the name of a module"),
        (("compare", "perfect-recall", "--vary", "memory=dnc,dnc"), "dnc is named 2 times"),
        (("run", "perfect-recall", "--memory"), "--memory needs a name: introspection, none"),
        (("run", "perfect-recall", "--task.l", "0"), "l must be at least 1, got 0"),
        (("run", "perfect-recall", "--task.l", "3", "--task.k", "4"), "k <= l"),
        (("run", "perfect-recall", "--memory.slots", "0"), "slots must be at least 1, got 0"),
        (("run", "perfect-recall", "--steps", "many"), "many"),
        (("run", "perfect-recall", "--seeds", "0"), "seeds must be at least 1"),
        (("run", "perfect-recall", "--devices", "99"), "JAX sees 4"),
        (
            ("run", "perfect-recall", "--model.backbone", "visual", "--task.images.source", "mnist"),
            "VESTIGE_DATA",
        ),
        (("compare", "perfect-recall", "--vary", "memry"), "Did you mean 'model.memory'"),
        (("compare", "perfect-recall", "--vary", "memory=dnx"), "unknown memory 'dnx'"),
        (("compare", "perfect-recall", "--vary", "task.l"), "needs values"),
        (("evaluate", "nowhere"), "not a folder"),
        (("report", "nowhere"), "not a folder"),
        (("sample", "nowhere"), "not a folder"),
        (("data", "gat", "mnist"), "Did you mean 'get'"),
        (("data", "get", "mnits"), "Did you mean 'mnist'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_commands_exit_with_two_and_one_message(run, arguments, message, tmp_path, monkeypatch):
    monkeypatch.setenv("VESTIGE_DATA", str(tmp_path))
    code, out, err = run(*arguments)
    assert code == 2
    assert message in (out + err).replace("│", " ").replace("\n", " ")
    assert "Traceback" not in out + err
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_run_from_start_to_report(run, few, tmp_path):
    code, out, err = run("run", "perfect-recall", *TINY, "--steps", 12, "--out", "first", "--memory.heads", 2)
    assert code == 0, err
    assert "kl_recall" in out and out.count("evaluating …") == 1
    assert "first (nats)" in out
    assert "report: first/report.html" in out
    assert (tmp_path / "first" / "report.html").stat().st_size > 10_000
    results = json.loads((tmp_path / "first" / "results.json").read_text())
    assert results["metrics"]["kl_last"] >= 0
    code, _, err = run("run", "perfect-recall", *TINY, "--steps", 12, "--out", "first")
    assert code == 2
    assert "first exists" in err
    code, out, _ = run("evaluate", "first", "--json")
    assert code == 0
    assert json.loads(out)["metrics"] == results["metrics"]
    code, out, _ = run("sample", "first", "--count", 2, "--given", 3)
    assert code == 0
    assert "2 sequences of 5 frames, the first 3 given" in out
    assert (tmp_path / "first" / "samples.png").read_bytes().startswith(b"\x89PNG")
    code, _, err = run("sample", "first", "--given", 5)
    assert code == 2
    assert "--given 5: a sequence has 5 frames" in err
    (tmp_path / "first" / "results.json").unlink()
    code, out, _ = run("report", "first")
    assert code == 0


@pytest.mark.slow
def test_a_comparison_from_start_to_report(run, few, tmp_path):
    code, _, err = run(
        "compare",
        "perfect-recall",
        *TINY,
        "--steps",
        6,
        "--seeds",
        2,
        "--jobs",
        1,
        "--out",
        "c",
        "--vary",
        "memory=none,vrnn",
    )
    assert code == 0, err
    assert list(json.loads((tmp_path / "c" / "results.json").read_text())["members"]) == ["none", "vrnn"]
    assert (tmp_path / "c" / "report.html").exists()
    assert (tmp_path / "c" / "vrnn" / "seed-1" / "report.html").exists()


@pytest.mark.slow
@pytest.mark.exhaustive
def test_default_folders_never_collide(run, few, tmp_path):
    for _ in range(2):
        assert run("run", "perfect-recall", *TINY, "--steps", 1)[0] == 0
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert names == ["perfect-recall-small", "perfect-recall-small-2"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(run, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    code, _, err = run("run", "perfect-recall", *TINY, "--out", "locked/run")
    assert code == 2
    assert "read-only" in err


def test_a_file_where_the_folder_should_be(run, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run("run", "perfect-recall", *TINY, "--out", "file/run")
    assert code == 2
    assert "cannot make the run folder" in err


SMALL = Experiment(PerfectRecallSpec(), TemporalSpec())


class TestVariants:
    def of(self, vary):
        return variants(SMALL, vary, "perfect-recall")

    def test_parts_by_name(self):
        name, members = self.of("memory")
        assert name == "memory"
        assert members["none"].model.memory == NoMemorySpec()
        assert list(self.of("memory=vrnn,introspection")[1]) == ["vrnn", "introspection"]

    def test_only_parts_that_fit(self):
        assert list(self.of("rule")[1]) == ["gradient"]

    def test_values(self):
        _, members = self.of("task.l=5,20")
        assert {name: experiment.task.l for name, experiment in members.items()} == {"l-5": 5, "l-20": 20}
        _, members = self.of("memory.scalar_gate=True,False")
        assert members["scalar_gate-True"].model.memory == IntrospectionSpec(scalar_gate=True)
        assert list(self.of("memory.scalar-gate=True")[1]) == ["scalar_gate-True"]

    def test_a_value_is_never_a_path(self):
        _, members = self.of("task.images.source=digits")
        assert list(members) == ["source-digits"]
        values = ["../../x", "a/b", "/abs", ".", "..", "x" * 99, "1e-3", "x.", "a b", "é", "a\\b", "c:d"]
        numbered = [f"value-{i}" for i in range(1, 13)]
        assert folder_names(values) == [*numbered[:6], "1e-3", *numbered[7:]]

    @pytest.mark.parametrize(
        "values",
        [
            ["A", "a"],
            ["a", "A", "value-2"],
            ["2", "a/b"],
            ["a/b", "value-1"],
            ["a/b", "VALUE-1", "value-1-1"],
            ["1", "1."],
        ],
    )
    def test_no_two_values_share_a_folder(self, values):
        """Where capital letters are small ones, and where a harmless value is called as the number of another."""
        names = folder_names(values)
        assert len({name.lower().rstrip(".") for name in names}) == len(values)
        assert all(name.strip(".") == name and "/" not in name for name in names)

    @pytest.mark.parametrize("vary", ["task.l=5,,10", "task.l=", "task.l=5,", "memory= ,none"])
    def test_an_empty_value(self, vary):
        with pytest.raises(UsageError, match="one of the values in .* is empty"):
            self.of(vary)

    def test_a_value_that_does_not_fit(self):
        with pytest.raises(UsageError, match="--task.l: expected a whole number"):
            self.of("task.l=five")

    def test_unknown(self):
        with pytest.raises(UsageError, match="Did you mean 'task.l'"):
            self.of("tsk.l=3")


class TestOldNames:
    def test_options_of_version_01_are_understood_with_a_notice(self, run):
        old = ["--batch", "4", "--model.latent", "4", "--memory.key", "3", "--memory", "attention"]
        code, out, err = run("run", "perfect-recall", *old, "--task.l", "0")
        assert code == 2
        assert "note: --batch is now --batch-size" in err
        assert "note: --model.latent is now --model.latent-size" in err
        assert "note: --memory.key is now --model.memory.key-size" in err
        assert "--memory is now" not in err  # a short name is no old name
        assert "--model.prior" not in run("run", "perfect-recall", "--model.prior", "mixture", "--task.l", "0")[2]
        options = ["--model.prior", "mixture", "--model.prior.posterior", "plain", "--model.prior.between", "-1"]
        assert "between must be at least 0, got -1" in "".join(run("run", "perfect-recall", *options)[1:])
        assert "l must be at least 1, got 0" in out + err


@pytest.mark.parametrize("arguments", [["run", "perfect-recall", "--help"], ["list"], ["sample", "--help"]])
def test_telling_does_not_import_jax(arguments):
    code = "import sys; from vestige.cli import main\n"
    code += f"try: main({arguments})\nexcept SystemExit: pass\n"
    code += "assert 'jax' not in sys.modules, 'jax'; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_sigterm_puts_away_what_was_begun(run, monkeypatch):
    """Where no training loop listens, as while recordings are made."""
    put_away = []

    def dispatch(arguments):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        finally:
            put_away.append(True)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("vestige.cli.dispatch", dispatch)
    code, _, err = run("list")
    assert code == 130 and "vestige: interrupted" in err and put_away
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.slow
class TestSignals:
    """A process of its own, stopped and killed."""

    STEPS = 400

    def start(self, folder: Path, *more: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "vestige.cli", "run", "perfect-recall", *TINY]
        command += ["--steps", str(self.STEPS), "--out", str(folder), *more]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_for_checkpoint(self, process, folder):
        while process.poll() is None and not any((folder / "checkpoints").glob("*/manifest.json")):
            time.sleep(0.02)

    def metrics(self, folder):
        return json.loads((folder / "results.json").read_text())["metrics"]

    def test_interrupt_and_kill_then_resume_bit_for_bit(self, tmp_path):
        whole = self.start(tmp_path / "whole")
        _, err = whole.communicate()
        assert whole.returncode == 0, err
        cut = tmp_path / "cut"
        for number, code in ((signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)):
            process = self.start(cut, "--resume")
            self.wait_for_checkpoint(process, cut)
            process.send_signal(number)
            _, err = process.communicate()
            if process.returncode == 0:  # it was faster than the signal
                break
            assert process.returncode == code, err
            if number == signal.SIGTERM:
                assert "stopped by SIGTERM after update" in err
        last = self.start(cut, "--resume")
        _, err = last.communicate()
        assert last.returncode == 0, err
        assert self.metrics(cut) == self.metrics(tmp_path / "whole")
