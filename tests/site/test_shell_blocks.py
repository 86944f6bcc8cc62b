"""Every command in README and docs is one: its options and names exist. Nothing is trained or installed."""

import contextlib
import importlib
import io
import itertools
import re
import tomllib

import pytest
from tests.site.blocks import ROOT, blocks, pages
from tests.site.commands import commands

from vestige.cli import COMMANDS
from vestige.errors import UsageError

PAGES = [
    page
    for page in pages()
    if any(block.language in ("sh", "console") for block in blocks(page)) and page.parent.name != "tutorials"
]
"""Tutorials run their commands when they are made, and again in .ci/run."""
FREE = {"source", ".", "cp", "pip", "python", "python3", "git", "cd", "docker", "tensorboard", "dask"}
"""Programs of others; of pip and python more is checked below."""


ABSENT = re.compile("No such file|not found|does not exist")
"""Of the example's own files: names and options were read by then."""


class Parsed(Exception):
    """A command line was read, and would now be obeyed."""


def of_page(page):
    known: dict[str, str] = {}
    for block in blocks(page):
        if block.not_run is not None:
            assert block.not_run, f"{block.place}: say why it is not run"
            continue
        if block.language == "sh":
            text = block.text
        elif block.language == "console":
            text = "\n".join(line[2:] for line in block.text.splitlines() if line.startswith("$ "))
        else:
            continue
        yield from ((block.place, words) for words in commands(text, known))


def check_vestige(words, monkeypatch):
    """Parse a command line as the command does, and go no further."""
    assert words, "vestige alone says nothing"
    if words == ["--version"]:
        return
    name, *rest = words
    assert name in COMMANDS, f"there is no command {name}"
    modules = [importlib.import_module(f"vestige.cli.{COMMANDS[name][0]}")]
    if name == "compare":
        modules.append(importlib.import_module("vestige.cli.suite"))
    if name == "data":
        if rest and rest[0] != "describe":
            from vestige.cli.data import VERBS
            from vestige.data import DATASETS

            assert rest[0] in VERBS
            assert set(rest[1:]) <= DATASETS.keys()
            return
        modules.append(importlib.import_module("vestige.cli.describe"))

    def stopping(read):
        def stopped(*arguments, **options):
            found = read(*arguments, **options)
            if name == "compare" and hasattr(found, "experiment"):
                compare = modules[0]
                compare.variants(found.experiment, found.settings.vary or found.entry.vary, found.entry.name)
            if name == "tune" and hasattr(found, "experiment"):
                modules[0].space_of(found.experiment, found.settings.space, found.given, found.entry.name)
            raise Parsed

        return stopped

    with monkeypatch.context() as patch:
        for module in modules:
            for reader in ("simple", "parse"):
                if hasattr(module, reader):
                    patch.setattr(module, reader, stopping(getattr(module, reader)))
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.suppress(Parsed):
            try:
                modules[0].main(rest)
            except SystemExit as ended:
                raise AssertionError(said.getvalue() or f"exit {ended.code}") from ended
            except UsageError as error:
                raise (Parsed if ABSENT.search(str(error)) else AssertionError)(str(error)) from error
        assert not said.getvalue(), said.getvalue()


def check_pip(words):
    """Every extra of Vestige that is named exists."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for word in words:
        for listed in re.findall(r"(?:^vestige|^\.|/)\[([\w,]+)\]", word):
            assert set(listed.split(",")) <= extras.keys(), word


def check_script(words):
    """A script of the repository exists and knows its options."""
    (script, *rest) = words
    if script in ("-c", "-m"):
        return
    path = ROOT / script
    assert path.exists(), f"there is no {script}"
    source = path.read_text()
    for option in rest:
        if option.startswith("--"):
            name = option.partition("=")[0]
            assert f'"{name}"' in source or _defined_elsewhere(source, name), f"{script} has no option {name}"


def _defined_elsewhere(source, option):
    """A script may take its options from a module beside it."""
    beside = re.findall(r"^from (?:benchmarks\.)?(\w+) import", source, re.MULTILINE)
    files = [ROOT / "benchmarks" / f"{name}.py" for name in beside]
    return any(f'"{option}"' in file.read_text() for file in files if file.exists())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_exist(page, monkeypatch):
    wrong = []
    for place, found in of_page(page):
        words = found[3:] if found[:2] == ["taskset", "-c"] else found
        words = list(itertools.takewhile(lambda word: word not in (">", ">>"), words))
        program = words[0].rpartition("/")[2] if words[0] not in (".",) else "."
        try:
            if program == "vestige":
                check_vestige(words[1:], monkeypatch)
            elif program in ("python", "python3") and len(words) > 1:
                check_pip(words) if "pip" in words else check_script(words[1:])
            elif program == "pip":
                check_pip(words)
            else:
                assert program in FREE, f"unknown program {program}"
        except AssertionError as error:
            wrong.append(f"{place}: {' '.join(found)}\n    {str(error).splitlines()[0] if str(error) else error!r}")
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("vestige run perfect-recall --memorry dnc", "memorry"),
        ("vestige run perfect-recal", "perfect-recall"),
        ("vestige fit data.csv --held-outt 0.1", "held-outt"),
        ("vestige compare perfect-recall --vary memory=introspection,nothing", "nothing"),
        ("vestige foo", "no command"),
    ],
)
def test_a_wrong_command_is_found(line, said, monkeypatch):
    ((_, *words),) = commands(line)
    with pytest.raises((AssertionError, BaseException), match=said):
        check_vestige(words, monkeypatch)


def test_loops_variables_and_comments():
    text = 'A="--seed 1"\nfor x in a b; do\n  vestige run $x $A  # a comment\ndone\n'
    text += "pip install . && vestige list \\\n  memory\n"
    assert commands(text) == [
        ["vestige", "run", "a", "--seed", "1"],
        ["vestige", "run", "b", "--seed", "1"],
        ["pip", "install", "."],
        ["vestige", "list", "memory"],
    ]
