"""The order of the house: a room imports only from rooms that lie below it."""

import ast
from pathlib import Path

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


def breaches(room: str, source: str) -> list[str]:
    """What a module of the room imports that does not lie below it."""
    if room not in FLOOR:
        return [f"{room} has no place in the house"]
    imported = sorted(rooms_imported(source) - {room})
    return [f"{room} must not import {other}" for other in imported if FLOOR.get(other, len(HOUSE)) >= FLOOR[room]]


def test_imports_only_from_below():
    assert len(MODULES) > 100
    found = {str(path.relative_to(ROOT)): breaches(room_of(path), path.read_text()) for path in MODULES}
    offenders = [f"{name}: {breach}" for name, listed in found.items() for breach in listed]
    assert not offenders, "\n".join(offenders)


def test_the_test_sees_a_breach():
    source = "def f():\n    from vestige.training import fit\n    import vestige.cli"
    assert rooms_imported(source) == {"training", "cli"}
    assert breaches("memory", source) == ["memory must not import cli", "memory must not import training"]
    assert breaches("attic", source) == ["attic has no place in the house"]
    assert breaches("cli", source) == []


def test_no_empty_shells():
    folders = sorted({path.parent for path in MODULES} - {ROOT})
    empty = [str(folder) for folder in folders if all(path.stem == "__init__" for path in folder.rglob("*.py"))]
    assert not empty, f"nothing in {empty}"
