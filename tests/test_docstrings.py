"""Public docstrings explain their parameters; the number of those that do not only falls."""

import ast
import re
from pathlib import Path

import vestige

ROOT = Path(vestige.__file__).parent
CEILING = 357
"""How many public functions and classes leave a parameter unexplained. Lower it when the number falls."""


def unexplained(source: str) -> list[str]:
    """Public functions and classes of a module with parameters that the docstring never names in backticks."""
    found = []
    for node in ast.parse(source).body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        text = ast.get_docstring(node) or ""
        maker: ast.FunctionDef | None = node if isinstance(node, ast.FunctionDef) else None
        if isinstance(node, ast.ClassDef):
            makers = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
            maker = makers[0] if makers else None
        if maker is None:
            continue
        names = [argument.arg for argument in (*maker.args.args, *maker.args.kwonlyargs)]
        names = [name for name in names if name not in ("self", "cls", "key")]
        if len(names) > 1 and any(not re.search(rf"`[^`]*\b{name}\b[^`]*`", text) for name in names):
            found.append(node.name)
    return found


def test_fewer_and_fewer_docstrings_leave_parameters_unexplained():
    found = [
        f"{path.relative_to(ROOT)}: {name}" for path in ROOT.rglob("*.py") for name in unexplained(path.read_text())
    ]
    assert len(found) <= CEILING, f"{len(found)}, more than {CEILING}:\n" + "\n".join(sorted(found))


def test_what_is_offered_at_the_top_is_explained():
    """Arguments, what is returned and what is raised, of every function and class of `vestige`'s own names."""
    lacking = []
    for name in vestige.__all__:
        offered = getattr(vestige, name)
        if not callable(offered) or isinstance(offered, type(vestige)):
            continue
        text = offered.__doc__ or ""
        lacking += [
            f"{name}: {part}" for part in ("**Raises:**",) if part not in text and name not in ("Spec", "Entry")
        ]
    assert not lacking


def test_the_test_sees_what_is_missing():
    source = 'def f(a, b):\n    """Of `a`."""\ndef g(a, b):\n    """Of `a` and `b`."""\ndef _h(a, b): pass'
    assert unexplained(source) == ["f"]
