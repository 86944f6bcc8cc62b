"""`vestige completion SHELL`."""

import dataclasses
import importlib
import typing
from collections.abc import Iterable, Mapping
from typing import Any

import tyro

from vestige.cli import COMMANDS
from vestige.cli.options import leaves_of, parts_of
from vestige.errors import UsageError, nearest
from vestige.registries import CONTRACTS, registry
from vestige.runs.executors.naming import DASK, PROCESSES
from vestige.runs.suites import SUITES
from vestige.runs.tuning.pruners import PRUNERS

SHELLS = ("bash", "zsh", "fish")
USAGE = """usage: vestige completion bash|zsh|fish

  bash: vestige completion bash > ~/.local/share/bash-completion/completions/vestige
  zsh:  vestige completion zsh > ~/.vestige-completion; echo 'source ~/.vestige-completion' >> ~/.zshrc
  fish: vestige completion fish > ~/.config/fish/completions/vestige.fish"""
POSITIONAL = typing.get_args(tyro.conf.Positional[int])[1:]


def main(arguments: list[str]) -> int:
    """Print a script that completes commands, experiments, parts, options and their values in a shell."""
    if arguments and arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    if len(arguments) != 1:
        raise UsageError(f"which shell? {USAGE}")
    if arguments[0] not in SHELLS:
        raise UsageError(f"unknown shell '{arguments[0]}'. {nearest(arguments[0], SHELLS)}")
    print(fish() if arguments[0] == "fish" else bash(zsh=arguments[0] == "zsh"))
    return 0


def subjects() -> dict[str, list[str]]:
    """What may stand after a command: command -> words; files where there are none."""
    experiments = list(registry("experiment"))
    return {
        "run": experiments,
        "compare": [*experiments, *SUITES],
        "tune": experiments,
        "list": [*experiments, *CONTRACTS],
        "bench": experiments,
        "gradients": list(registry("structure")),
        "data": ["describe", "list", "get", "check"],
        "runs": ["prune"],
        "completion": list(SHELLS),
    }


def options_of_commands() -> dict[str, list[str]]:
    """The options of each command, those of experiments left out."""
    found = {}
    for command, (module, _) in COMMANDS.items():
        names = []
        for value in vars(importlib.import_module(f"vestige.cli.{module}")).values():
            if dataclasses.is_dataclass(value) and getattr(value, "__name__", "").endswith("Settings"):
                names += _options(value)
        found[command] = sorted({*names, "--help", "--plugin"})
    return found


def _options(settings: Any) -> list[str]:
    hints = typing.get_type_hints(settings, include_extras=True)
    names = []
    for field in dataclasses.fields(settings):
        notes = typing.get_args(hints[field.name])[1:] if hasattr(hints[field.name], "__metadata__") else ()
        if any(note in POSITIONAL for note in notes):
            continue
        given = [name for note in notes if isinstance(name := getattr(note, "name", None), str)]
        if "" in given:
            continue  # a group of options whose class has none of its own name
        names.append(f"--{(given[0] if given else field.name).replace('_', '-')}")
    return names


def options_of_experiments() -> dict[str, list[str]]:
    """The options of each experiment with the parts of its smallest preset."""
    found = {}
    for name, entry in registry("experiment").items():
        experiment = entry.preset("small")
        names = [path for path, _ in parts_of(experiment)] + list(leaves_of(experiment))
        found[name] = sorted(f"--{each.replace('_', '-')}" for each in names)
    return found


def values() -> dict[str, list[str]]:
    """What may stand after an option: its last word -> words."""
    found = {"preset": ["small", "cpu", "paper"], "sink": ["mlflow", "wandb"], "on-nonfinite": ["stop", "skip"]}
    found |= {"on": [PROCESSES, DASK], "pruner": list(PRUNERS)}
    contracts = {
        contract for entry in registry("experiment").values() for _, contract in parts_of(entry.preset("small"))
    }
    return {**found, **{contract: list(registry(contract)) for contract in sorted(contracts)}}


def bash(*, zsh: bool = False) -> str:
    """The script for bash; with `zsh` for zsh, by its own adapter."""
    head = ["autoload -U +X bashcompinit && bashcompinit"] if zsh else []
    after = [f"    --{name}|--*.{name}) words={_quoted(words)};;" for name, words in values().items()]
    return "\n".join([
        "# completion for vestige; written by vestige completion",
        *head,
        "_vestige() {",
        '  local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words=""',
        '  local command="${COMP_WORDS[1]}" subject="${COMP_WORDS[2]}"',
        '  if [ "$COMP_CWORD" -eq 1 ]; then',
        f"    words={_quoted([*COMMANDS, '--help', '--version'])}",
        '  elif [ "${current#-}" != "$current" ]; then',
        '    case "$command" in',
        *_cases(options_of_commands()),
        "    esac",
        '    case "$command" in run|compare|tune) case "$subject" in',
        *_cases(options_of_experiments(), more='"$words "'),
        "    esac;; esac",
        "  else",
        '    case "$before" in',
        *after,
        "    esac",
        '    if [ -z "$words" ] && [ "$COMP_CWORD" -eq 2 ]; then',
        '      case "$command" in',
        *_cases(subjects()),
        "      esac",
        "    fi",
        "  fi",
        '  COMPREPLY=( $(compgen -W "$words" -- "$current") )',
        "}",
        "complete -o default -F _vestige vestige",
    ])  # fmt: skip


def fish() -> str:
    """The script for fish."""
    lines = ["# completion for vestige; written by vestige completion"]
    for name, (_, said) in COMMANDS.items():
        lines.append(f"complete -c vestige -n __fish_use_subcommand -f -a {name} -d {_quoted([said])}")
    for command, words in subjects().items():
        lines.append(f"complete -c vestige -n '__fish_seen_subcommand_from {command}' -f -a {_quoted(words)}")
    known = values()
    for command, options in options_of_commands().items():
        for option in options:
            name = option.removeprefix("--")
            more = f" -x -a {_quoted(known[name])}" if name in known else ""
            lines.append(f"complete -c vestige -n '__fish_seen_subcommand_from {command}' -l {name}{more}")
    for experiment, options in options_of_experiments().items():
        for option in options:
            name = option.removeprefix("--")
            words = known.get(name.rpartition(".")[2])
            more = f" -x -a {_quoted(words)}" if words else " -r"
            lines.append(f"complete -c vestige -n '__fish_seen_subcommand_from {experiment}' -l {name}{more}")
    return "\n".join(lines)


def _cases(table: Mapping[str, Iterable[str]], *, more: str = "") -> list[str]:
    return [f"    {name}) words={more}{_quoted(words)};;" for name, words in table.items()]


def _quoted(words: Iterable[str]) -> str:
    return "'" + " ".join(words).replace("'", "") + "'"
