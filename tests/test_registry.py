"""Registries: what may be added, and what is refused in one sentence."""

import abc
import dataclasses
import subprocess
import sys

import pytest

from vestige.errors import UsageError
from vestige.registries import CONTRACTS, Registry, register, registry
from vestige.spec import Spec


class ShapeSpec(Spec):
    contract = "shape"

    @abc.abstractmethod
    def area(self) -> float:
        """Of the shape."""


@dataclasses.dataclass(frozen=True)
class SquareSpec(ShapeSpec):
    side: float = 1.0

    def area(self):
        return self.side**2


@pytest.fixture
def shapes():
    return Registry("shape", ShapeSpec, {"square": SquareSpec()})


def test_what_is_added_is_found_in_order(shapes):
    shapes.add("large", SquareSpec(3.0), origin="elsewhere")
    assert list(shapes) == ["square", "large"] and shapes.find("large").area() == 9.0
    assert shapes.origin("large") == "elsewhere" and shapes.origin("square") == ""
    shapes.add("unit", SquareSpec)
    assert shapes["unit"] == SquareSpec()


def test_an_unknown_name_suggests_the_nearest(shapes):
    with pytest.raises(UsageError, match="unknown shape 'sqare'. Did you mean 'square'"):
        shapes.find("sqare")


@dataclasses.dataclass(frozen=True)
class LineSpec(ShapeSpec):
    pass


@dataclasses.dataclass(frozen=True)
class NeedsSpec(ShapeSpec):
    side: float

    def area(self):
        return 0.0


@pytest.mark.parametrize(
    ("name", "part", "message"),
    [
        ("square", SquareSpec(), "shape 'square' of p: the name is taken by vestige; choose another"),
        ("line", LineSpec, "shape 'line' of p: LineSpec lacks area; define them"),
        ("needs", NeedsSpec, "NeedsSpec cannot be made without arguments"),
        ("other", "text", "expected an instance of .*ShapeSpec, got str; extend that class"),
        ("a b", SquareSpec(), "a name is made of letters, digits and hyphens"),
        ("../x", SquareSpec(), "a name is made of letters, digits and hyphens"),
        ("", SquareSpec(), "a name is made of letters, digits and hyphens"),
    ],
)
def test_what_is_refused(shapes, name, part, message):
    with pytest.raises(UsageError, match=message):
        shapes.add(name, part, origin="p")
    assert list(shapes) == ["square"]


def test_an_unknown_contract():
    with pytest.raises(UsageError, match="unknown contract 'memroy'. Did you mean 'memory'"):
        register("memroy", "x", SquareSpec())


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_contract_has_a_registry_of_its_name(contract):
    known = registry(contract)
    assert known.contract == contract and len(known) > 0
    assert all(isinstance(part, known.base) for part in known.values())


def _run(code: str, folder) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nothing_of_that_name", "plugin 'mine' does not import: ModuleNotFoundError"),
        ("1 / 0", "plugin 'mine' does not import: ZeroDivisionError: division by zero"),
        ("import vestige\nvestige.register('memory', 'dnc', vestige.memory.DNCSpec())", "is taken"),
        (None, "plugin 'mine' does not import: ModuleNotFoundError: No module named 'mine'"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_one_sentence(tmp_path, source, message):
    if source is not None:
        (tmp_path / "mine.py").write_text(source)
    done = _run("from vestige.cli import main; main(['list', '--plugin', 'mine'])", tmp_path)
    assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1
