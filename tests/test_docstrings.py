"""Public docstrings explain their parameters: those of contracts and of what the rooms offer all of them, and the
others wherever there is more than one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import vestige

ROOT = Path(vestige.__file__).parent
OFFERED = ("cells", "estimators", "memory", "rules", "structures", "training")
"""Rooms of which every exported function and class explains all its parameters."""
CALLED = ("__init__", "__call__")

Classes = list[tuple[str, ast.ClassDef]]
"""Classes with the file that each is in."""


def parameters(function: ast.FunctionDef) -> list[str]:
    """The names of a function's parameters but for `self`, `cls` and `key`, which mean the same everywhere."""
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *(x for x in (given.vararg, given.kwarg) if x)]
    return [one.arg for one in every if one.arg not in ("self", "cls", "key")]


def explained(name: str, text: str) -> bool:
    return re.search(rf"`[^`]*\b{name}\b[^`]*`", text) is not None


def methods(owner: ast.ClassDef) -> list[ast.FunctionDef]:
    """The public methods of a class, its constructor and its call among them."""
    parts = [part for part in owner.body if isinstance(part, ast.FunctionDef)]
    return [part for part in parts if not part.name.startswith("_") or part.name in CALLED]


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
        names = parameters(maker)
        if len(names) > 1 and any(not explained(name, text) for name in names):
            found.append(node.name)
    return found


def bases(owner: ast.ClassDef) -> list[str]:
    """The names of a class's bases, without modules and type arguments."""
    return [re.sub(r"\[.*", "", ast.unparse(base)).rpartition(".")[2] for base in owner.bases]


def is_contract(owner: ast.ClassDef) -> bool:
    """Whether others write against a class: it is abstract, a protocol, a specification, or one of the three below."""
    if owner.name.startswith("_"):
        return False
    named = owner.name.startswith("Abstract") or owner.name in ("Registry", "Experiment", "Entry")
    decorators = [ast.unparse(line) for part in methods(owner) for line in part.decorator_list]
    return named or bool({"Spec", "Protocol"} & set(bases(owner))) or any("abstractmethod" in d for d in decorators)


def kept(owner: ast.ClassDef, method: ast.FunctionDef, known: dict[str, list[ast.ClassDef]]) -> bool:
    """Whether a class above declares the method with a docstring and the same parameters: then it says what counts."""
    for base in bases(owner):
        for above in known.get(base, []):
            for part in methods(above):
                same = part.name == method.name and set(parameters(part)) == set(parameters(method))
                if same and ast.get_docstring(part):
                    return True
            if kept(above, method, known):
                return True
    return False


def faults(owner: ast.ClassDef, method: ast.FunctionDef) -> Iterator[str]:
    """What the docstring of a contract's method leaves out."""
    text, whole = ast.get_docstring(method) or "", ast.get_docstring(owner) or ""
    if method.name != "__init__" and not text:
        yield "has no docstring"
        return
    for name in parameters(method):
        if not explained(name, f"{text} {whole}"):
            yield f"does not explain `{name}`"
    returned = "None" if method.returns is None else ast.unparse(method.returns)
    if parameters(method) and returned != "None" and "**Returns:**" not in text:
        yield "does not say what is returned (**Returns:**)"
    if any(isinstance(node, ast.Raise) for node in ast.walk(method)) and "**Raises:**" not in f"{text} {whole}":
        yield "does not say what it raises (**Raises:**)"


def incomplete(classes: Classes) -> list[str]:
    """What is missing in the docstrings of all contracts' methods."""
    known: dict[str, list[ast.ClassDef]] = {}
    for _, owner in classes:
        known.setdefault(owner.name, []).append(owner)
    return [
        f"{path}: {owner.name}.{method.name} {fault}"
        for path, owner in classes
        if is_contract(owner)
        for method in methods(owner)
        if not kept(owner, method, known)
        for fault in faults(owner, method)
    ]


def classes_of(path: str, source: str) -> Classes:
    return [(path, node) for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]


def options(owner: ast.ClassDef) -> dict[str, bool]:
    """The fields that a class without a constructor of its own takes, and whether a string stands below each."""
    found = {}
    for part, below in zip(owner.body, [*owner.body[1:], None], strict=True):
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            said = ast.unparse(part)
            if "ClassVar" not in said and "AbstractVar" not in said and "init=False" not in said:
                found[part.target.id] = isinstance(below, ast.Expr)
    return found


def unexplained_offer(node: ast.ClassDef | ast.FunctionDef) -> list[str]:
    """The parameters of an exported function or class that nothing explains. Tuples that are returned have none."""
    text = ast.get_docstring(node) or ""
    if isinstance(node, ast.FunctionDef):
        names = dict.fromkeys(parameters(node), False)
    elif makers := [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]:
        names = dict.fromkeys(parameters(makers[0]), False)
    else:
        names = {} if "NamedTuple" in bases(node) else options(node)
    return [f"{node.name}: `{name}`" for name, said in names.items() if not said and not explained(name, text)]


def exported(stub: Path) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    """The functions and classes that a package's stub takes from modules of its own, those of its packages too."""
    for line in ast.parse(stub.read_text()).body:
        if isinstance(line, ast.ImportFrom) and line.module:
            module, names = stub.parent.joinpath(*line.module.split(".")), {alias.name for alias in line.names}
            inner = module / "__init__.pyi"
            inside = exported(inner) if inner.exists() else defined(module)
            yield from (node for node in inside if node.name in names)


def defined(module: Path) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    """The functions and classes of a module, given without its suffix."""
    file = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
    yield from (node for node in ast.parse(file.read_text()).body if isinstance(node, ast.ClassDef | ast.FunctionDef))


def test_every_contract_explains_its_methods():
    classes = [
        found
        for path in sorted(ROOT.rglob("*.py"))
        for found in classes_of(str(path.relative_to(ROOT)), path.read_text())
    ]
    assert len([owner for _, owner in classes if is_contract(owner)]) > 100
    missing = incomplete(classes)
    assert not missing, "\n".join(missing)


def test_rooms_explain_what_they_export():
    stubs = [ROOT / "__init__.pyi", *(ROOT / room / "__init__.pyi" for room in OFFERED)]
    nodes = [node for stub in stubs for node in exported(stub)]
    assert len(nodes) > 150
    missing = sorted({fault for node in nodes for fault in unexplained_offer(node)})
    assert not missing, "\n".join(missing)


def test_no_docstring_leaves_one_of_several_parameters_unexplained():
    found = [
        f"{path.relative_to(ROOT)}: {name}" for path in ROOT.rglob("*.py") for name in unexplained(path.read_text())
    ]
    assert not found, "\n".join(sorted(found))


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


CONTRACT = '''
class AbstractThing:
    """Of `c`."""

    def full(self, a, *, key) -> int:
        """Of `a`.

        **Returns:** one.
        """
        raise ValueError

    def part(self, a, b, c) -> int:
        """Of `a`."""

    def silent(self): ...

    def _own(self, a): ...


class AbstractSmaller(AbstractThing):
    """Smaller."""

    def full(self, a, *, key) -> int: ...

    def silent(self): ...

    def part(self, a, b, more) -> int: ...
'''


def test_the_test_sees_what_contracts_leave_out():
    assert incomplete(classes_of("thing.py", CONTRACT)) == [
        "thing.py: AbstractThing.full does not say what it raises (**Raises:**)",
        "thing.py: AbstractThing.part does not explain `b`",
        "thing.py: AbstractThing.part does not say what is returned (**Returns:**)",
        "thing.py: AbstractThing.silent has no docstring",
        "thing.py: AbstractSmaller.silent has no docstring",
        "thing.py: AbstractSmaller.part has no docstring",
    ]


def test_the_test_sees_what_rooms_leave_out():
    source = 'class A:\n    """Of `x`."""\n    x: int\n    y: int\n    z: int\n    """The z."""\n    w: ClassVar[int]\n'
    owner = ast.parse(source).body[0]
    assert isinstance(owner, ast.ClassDef)
    assert unexplained_offer(owner) == ["A: `y`"]
    (function,) = ast.parse('def f(a, *b, c=1, key):\n    """Of `a`."""').body
    assert isinstance(function, ast.FunctionDef)
    assert unexplained_offer(function) == ["f: `c`", "f: `b`"]
