"""Completion in shells."""

import shutil
import subprocess

import pytest

from vestige.cli import COMMANDS
from vestige.cli.completion import bash, fish, options_of_commands


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """What bash offers for the last of several words."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    script = tmp_path_factory.mktemp("completion") / "vestige.sh"
    script.write_text(bash())

    def call(*words):
        quoted = " ".join(f"'{word}'" for word in words)
        code = (
            f'source {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _vestige; echo "${{COMPREPLY[*]}}"'
        )
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
        assert not done.stderr
        return done.stdout.split()

    return call


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("ru",), ["run", "runs"]),
        (("run", "perfect-r"), ["perfect-recall"]),
        (("compare", "gt"), ["gtmm"]),
        (("list", "optim"), ["optimiser"]),
        (("run", "toy-matching", "--preset", ""), ["small", "cpu", "paper"]),
        (("run", "perfect-recall", "--memory", "d"), ["dnc"]),
        (("run", "perfect-recall", "--model.memory", "d"), ["dnc"]),
        (("run", "toy-matching", "--task.n"), ["--task.n"]),
        (("run", "toy-matching", "--pat"), ["--patience"]),
        (("run", "toy-matching", "--save"), ["--save-config"]),
        (("fit", "x.csv", "--a"), ["--arrays", "--as"]),
        (("gradients", "spann"), ["spanning-tree"]),
        (("evaluate", "x"), []),
    ],
)
def test_bash_completes(complete, words, offered):
    assert complete("vestige", *words) == offered


def test_every_command_has_its_options():
    found = options_of_commands()
    assert list(found) == list(COMMANDS)
    assert {"--out", "--resume", "--quiet", "--json", "--seeds", "--save-config"} <= set(found["run"])
    assert "--folder" not in found["verify"]  # which is no option
    assert "--as" in found["fit"] and "--source" not in found["fit"]


def test_fish_has_commands_and_options():
    script = fish()
    assert "complete -c vestige -n __fish_use_subcommand -f -a run -d 'train" in script
    assert "__fish_seen_subcommand_from evaluate' -l json" in script
    assert "complete -c vestige -n '__fish_seen_subcommand_from run' -l preset -x -a 'small cpu paper'" in script


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed(run, shell):
    code, out, _ = run("completion", shell)
    assert code == 0 and out.startswith("# completion for vestige")
    assert ("bashcompinit" in out) == (shell == "zsh")
