"""The order of the house: a room imports only from rooms that lie below it."""

import ast
from pathlib import Path

import pytest

import vestige

ROOT = Path(vestige.__file__).parent

HOUSE = [
    ["errors", "typing", "numerics"],
    ["sequences"],
    ["structures"],
    ["estimators"],
    ["memory"],
    ["cells"],
    ["models"],
    ["rules"],
    ["data"],
    ["tasks"],
    ["training"],
    ["experiments"],
    ["report"],
    ["cli"],
]
FLOOR = {room: floor for floor, rooms in enumerate(HOUSE) for room in rooms}


def rooms_imported(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            parts = node.module.split(".")
            if parts[0] == "vestige":
                found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("vestige.")}
    return found - {"__version__"}


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


MODULES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT or path.stem != "__init__")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_from_below(path: Path):
    room = room_of(path)
    assert room in FLOOR, f"{room} has no place in the house"
    for other in rooms_imported(path.read_text()) - {room}:
        assert FLOOR[other] < FLOOR[room], f"{room} must not import {other}"


def test_the_test_sees_a_breach():
    source = "def f():\n    from vestige.training import fit\n    import vestige.cli"
    assert rooms_imported(source) == {"training", "cli"}


def test_no_empty_shells():
    for folder in {path.parent for path in MODULES} - {ROOT}:
        assert any(path.stem != "__init__" for path in folder.rglob("*.py")), f"{folder} holds nothing"
