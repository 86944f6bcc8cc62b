"""The pages of tutorials are made from the scripts beside them. .ci/run runs every script again."""

import importlib.util
import re

import pytest
from tests.site.blocks import ROOT

FOLDER = ROOT / "docs" / "tutorials"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
LARGEST = 60_000

spec = importlib.util.spec_from_file_location("tutorials_script", ROOT / "benchmarks" / "tutorials.py")
assert spec is not None and spec.loader is not None
tutorials = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tutorials)


def page(name):
    return (FOLDER / f"{name}.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_page_is_that_of_the_script(name):
    """Text and code, in their order; output and pictures lie between them."""
    rest = page(name)
    for piece in tutorials.frame(name):
        before, found, rest = rest.partition(piece)
        assert found, f"run python benchmarks/tutorials.py {name}: the page lacks\n{piece}"
        between = re.sub(r"```text\n.*?```|!\[[^\]]*\]\([^)]*\)", "", before, flags=re.DOTALL)
        assert not between.strip(), f"run python benchmarks/tutorials.py {name}: the script lacks\n{between}"
    assert f"run by `python benchmarks/tutorials.py {name}`" in rest


@pytest.mark.parametrize("name", NAMES)
def test_every_tutorial_is_honest(name):
    """A baseline stands beside the result, its claims are asserted, and it says when it is the wrong tool."""
    source, text = (FOLDER / f"{name}.py").read_text(), page(name)
    assert "## When this is the wrong tool" in text
    assert "# %% [check]" in source
    assert "```text" in text
    assert f"tutorials/{name}.md" in (ROOT / "mkdocs.yml").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_pictures_exist_are_small_and_described(name):
    shown = re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", page(name))
    assert shown
    for description, file in shown:
        assert len(description) > 20, f"{file} has no description: give the figure a label (num=…)"
        assert (FOLDER / file).stat().st_size < LARGEST
    assert {file for _, file in shown} == {path.name for path in FOLDER.glob(f"{name}-[0-9].svg")}


def test_cells():
    text = "# %% [markdown]\n# # Title\n#\n# Text.\n\n"
    source = text + "# %%\nx = 1\n\n# %% [check]\nassert x\n\n# %% [sh]\n# vestige list\n"
    kinds = [(cell.kind, cell.text, cell.line) for cell in tutorials.cells(source)]
    assert kinds == [
        ("markdown", "# Title\n\nText.", 1),
        ("code", "x = 1", 6),
        ("check", "assert x", 9),
        ("sh", "vestige list", 12),
    ]
    with pytest.raises(SystemExit, match="begins with a cell"):
        tutorials.cells("x = 1\n# %%\n")
