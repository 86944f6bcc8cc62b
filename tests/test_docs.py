"""Pages that are made from the registries are what the scripts make, and pages that list contracts list all of them."""

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vestige.registries import CONTRACTS

ROOT = Path(__file__).parent.parent
PARTS = ROOT / "docs" / "api" / "parts.md"


def made(script: str) -> str:
    """What a script prints, in a process without the plugins of other tests."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / script)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_page_of_parts_is_what_the_script_makes():
    assert made("parts_page.py") == PARTS.read_text(), "run python benchmarks/parts_page.py > docs/api/parts.md"


def test_house_has_the_table_of_combinations():
    table = made("combinations.py")
    assert table in (ROOT / "docs" / "house.md").read_text(), "put what benchmarks/combinations.py prints there"


def imported(script):
    """Module and name of everything that a script takes from Vestige."""
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vestige":
            yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("folder", ["benchmarks", "examples"])
def test_scripts_take_from_the_package_what_it_has(folder):
    """Most are run by hand only: what they import must not move away unnoticed."""
    gone = []
    for script in sorted((ROOT / folder).rglob("*.py")):
        for module, name in imported(script):
            there = importlib.util.find_spec(module)
            if there is None or not (
                hasattr(importlib.import_module(module), name) or importlib.util.find_spec(f"{module}.{name}")
            ):
                gone.append(f"{script.name}: from {module} import {name}")
    assert not gone


@pytest.mark.parametrize("contract", CONTRACTS)
def test_pages_list_every_contract(contract):
    assert f"\n## {contract}\n" in PARTS.read_text()
    assert f"| [`{contract}`](api/parts.md#{contract}) |" in (ROOT / "docs" / "extend.md").read_text()
    rooms = [page.read_text() for page in (ROOT / "docs" / "api").glob("*.md") if page != PARTS]
    assert any(f"(parts.md#{contract})" in text for text in rooms)


def test_what_pages_refer_to_has_a_place():
    """`[name][vestige.room.name]` needs a `::: vestige.room.name`, or one for the class whose member it is; the build
    of the documentation ends where there is none."""
    pages = {page: page.read_text() for page in (ROOT / "docs").rglob("*.md")}
    places = {name for text in pages.values() for name in re.findall(r"^::: ([\w.]+)", text, re.MULTILINE)}
    assert len(places) > 800
    missing = {
        f"{page.relative_to(ROOT)}: {name}"
        for page, text in pages.items()
        for name in re.findall(r"\]\[(vestige\.[\w.]+)\]", text)
        if name not in places and name.rpartition(".")[0] not in places
    }
    assert not missing
