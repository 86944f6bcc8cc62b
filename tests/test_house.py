"""The order of the house: a room imports only from rooms that lie below it."""

import ast
import re
from pathlib import Path

import vestige

ROOT = Path(vestige.__file__).parent

HOUSE = [
    ["errors"],
    ["typing", "search", "checks", "capabilities", "version", "numerics", "debug"],
    ["gate"],
    ["storage"],
    ["spec"],
    ["registries"],
    ["plain"],
    ["data"],
    ["sequences"],
    ["structures"],
    ["estimators"],
    ["memory"],
    ["cells"],
    ["models"],
    ["calibration"],
    ["rules"],
    ["tasks"],
    ["training"],
    ["online"],
    ["experiments"],
    ["runs"],
    ["learners"],
    ["report"],
    ["cli"],
    ["__main__"],
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
SOURCES = {path: path.read_text(encoding="utf-8") for path in MODULES}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_imported(source: str, known: set[str]) -> set[str]:
    """Of the package's own; at the top of a file or inside a function, but not for type checkers alone."""
    tree = ast.parse(source)
    only_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in only_types:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & known


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Sets of more than one module in which each imports each, in the end."""
    reach: dict[str, set[str]] = {}
    for start in graph:
        seen, open_ = set(), [start]
        while open_:
            for other in graph[open_.pop()]:
                if other not in seen:
                    seen.add(other)
                    open_.append(other)
        reach[start] = seen
    found = []
    for name in graph:
        group = {other for other in reach[name] if name in reach[other]}
        if len(group) > 1 and group not in found:
            found.append(group)
    return found


def breaches(room: str, source: str) -> list[str]:
    """What a module of the room imports that does not lie below it."""
    if room not in FLOOR:
        return [f"{room} has no place in the house"]
    imported = sorted(rooms_imported(source) - {room})
    return [f"{room} must not import {other}" for other in imported if FLOOR.get(other, len(HOUSE)) >= FLOOR[room]]


def test_rooms_import_only_from_below():
    assert len(MODULES) > 100
    found = {str(path.relative_to(ROOT)): breaches(room_of(path), source) for path, source in SOURCES.items()}
    offenders = [f"{name}: {breach}" for name, listed in found.items() for breach in listed]
    assert not offenders, "\n".join(offenders)


def test_no_import_circles():
    """Packages do not count: they import nothing until a name is asked for."""
    known = {module_of(path) for path in MODULES if path.stem != "__init__"}
    graph = {module_of(path): modules_imported(SOURCES[path], known) for path in MODULES if path.stem != "__init__"}
    assert not circles(graph)


def test_no_long_files():
    long = {
        str(path.relative_to(ROOT)): source.count("\n") for path, source in SOURCES.items() if source.count("\n") > 400
    }
    assert not long


def test_no_class_of_a_room_is_named_again_in_experiments():
    names: dict[str, set[str]] = {}
    for path, source in SOURCES.items():
        side = "experiments" if room_of(path) == "experiments" else "rooms"
        names.setdefault(side, set()).update(
            node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)
        )
    assert not names["rooms"] & names["experiments"]


def test_no_exported_name_is_a_modules_name():
    """A package that resolves its names late would give the module where the name is meant."""
    wrong = []
    for stub in ROOT.rglob("__init__.pyi"):
        inside = {path.stem for path in stub.parent.iterdir() if path.suffix == ".py" or path.is_dir()}
        for node in ast.walk(ast.parse(stub.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:  # `from . import room` names the module itself
                wrong += [f"{stub.parent.name}: {alias.name}" for alias in node.names if alias.name in inside]
    assert not wrong


def test_contributing_names_only_what_exists():
    root = ROOT.parent.parent
    guide = root / "CONTRIBUTING.md"
    named = re.findall(
        r"`((?:src|tests|docs|benchmarks|examples)/[A-Za-z0-9_/.-]+)`", guide.read_text(encoding="utf-8")
    )
    assert named and not [path for path in named if not (root / path).exists()]


def test_the_tests_see_a_breach():
    source = "def f():\n    from vestige.training import fit\n    import vestige.cli"
    assert rooms_imported(source) == {"training", "cli"}
    assert breaches("memory", source) == ["memory must not import cli", "memory must not import training"]
    assert breaches("attic", source) == ["attic has no place in the house"]
    assert breaches("cli", source) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [{"b", "c"}]
    late = "if TYPE_CHECKING:\n    from vestige.a import b\ndef f():\n    from vestige.c import d"
    assert modules_imported(late, {"vestige.a", "vestige.c"}) == {"vestige.c"}


RAW = {"read_text", "read_bytes", "fromfile", "memmap", "loadtxt", "genfromtxt", "ZipFile", "safe_load", "full_load"}
LOADERS = {"np", "numpy", "json", "yaml", "pickle", "tomllib", "gzip", "tarfile", "os", "io"}
MAY_READ = {
    ("training/processes.py", "json.loads"): "what another process of the run sent",
    ("training/measure.py", "read_text"): "/proc/meminfo, which is no user's file",
    ("data/files.py", "open"): "to flush the file that was just written, before it takes its place",
    ("data/omniglot_archive.py", "Image.open"): "bytes of a drawing that the gate has read",
    ("cli/joining.py", "os.open"): "/dev/null, for what a library prints where a document is printed",
    ("cli/streams.py", "os.open"): "/dev/null, in the place of a stream that is closed",
    ("storage/durable.py", "open"): "to flush the files that were just written, before they take their place",
    ("storage/durable.py", "os.open"): "a folder, to flush the names in it",
    ("storage/locking.py", "os.open"): "a folder, to lock it",
    ("storage/locking.py", "read_text"): "/proc, which is no user's file",
    ("storage/locking.py", "read_bytes"): "/proc, which is no user's file",
}
"""What reads past the gate, and why it may: nothing here is handed over by a user."""


def raw_reads(source: str) -> list[str]:
    """Calls that open, read or parse a file. Those that only write do not count."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        owner, _, name = called.rpartition(".")
        modes = [word.value for word in node.keywords if word.arg == "mode"] + node.args[0 if owner else 1 :][:1]
        mode = next((word.value for word in modes if isinstance(word, ast.Constant)), "r")
        if owner == "gate":
            continue
        if name in RAW:
            found.append(name)
        elif owner in LOADERS and name in ("load", "loads", "open"):
            found.append(called)
        elif name == "open" and (not isinstance(mode, str) or "r" in mode or "+" in mode):
            found.append("Image.open" if owner == "Image" else "open")
    return found


def test_every_file_is_read_through_the_gate():
    """What a user or the disk hands over is read by `vestige.gate`, which bounds, checks and names it."""
    found = {
        (path.relative_to(ROOT).as_posix(), call)
        for path, source in SOURCES.items()
        if room_of(path) != "gate"
        for call in raw_reads(source)
    }
    assert found - MAY_READ.keys() == set(), "read it by vestige.gate"
    assert MAY_READ.keys() - found == set(), "no longer needed"


def test_the_test_sees_a_raw_read():
    reads = (
        "p.read_text()\nnp.load(p)\nopen(p)\nopen(p, 'rb')\np.open()\njson.loads(t)\nyaml.safe_load(t)\ngzip.open(p)"
    )
    assert len(raw_reads(reads)) == 8
    writes = "p.write_text(t)\nopen(p, 'xb')\np.open('a')\njson.dumps(v)\ngate.read_json(p)\np.open(mode='w')"
    assert raw_reads(writes) == []


def test_no_empty_shells():
    for folder in {path.parent for path in MODULES} - {ROOT}:
        assert any(path.stem != "__init__" for path in folder.rglob("*.py")), f"{folder} holds nothing"


OLD_WORDS = {
    r"judg\w*": "evaluate",
    r"told|tells": "gives, reports, distinguishes",
    r"foretold|foretells?|foresight": "predict, multi-step prediction",
    r"imagin(?:e|es|ed|ing)|dreamt": "generate",
    r"read-outs?": "readout",
    r"one's own": "your own, custom",
    r"wander\w*": "random policy",
    r"the way out": "how to fix it",
    r"asked for|(?:is|are|was) asked": "queried, requested, required",
    r"in haste": "without optimisation",
    r"puts? away what": "cleans up",
    r"hands on": "passes on, re-exports",
    r"rivals?|portraits?|rehears\w*": "variants, diagnostics, dummy build",
    r"met before": "repeated",
}
"""Words that the field has another word for, and that word."""
MAY_STAND = {
    ("src/vestige/cli/options.py", "judged"): "an option of version 0.1, which is still understood",
    ("src/vestige/runs/schema1/filtering.py", "judged"): "an option of version 0.1",
    ("src/vestige/runs/schema1/filtering.py", "foresight"): "a rule of version 0.1",
    ("docs/getting-started.md", "foresight"): "a rule of version 0.1",
    ("src/vestige/report/files.py", "foretold"): "an array of version 0.1",
    ("src/vestige/report/files.py", "imagined"): "an array of version 0.1",
}
"""What people have on disk or type keeps its name."""


def old_words(text: str) -> set[str]:
    """Those that stand in a text, also in names whose words are joined by underscores."""
    pattern = rf"(?<![a-z])(?:{'|'.join(OLD_WORDS)})(?![a-z])"
    return {found.lower() for found in re.findall(pattern, re.sub(r"\s+", " ", text), re.IGNORECASE)}


def test_old_words_do_not_return():
    root = ROOT.parent.parent
    sources = [path for path in ROOT.rglob("*") if path.suffix in (".py", ".pyi", ".html", ".css", ".js")]
    texts = {path.relative_to(root).as_posix(): path for path in [*sources, *(root / "docs").rglob("*.md")]}
    found = {(name, word) for name, path in texts.items() for word in old_words(path.read_text(encoding="utf-8"))}
    assert found - MAY_STAND.keys() == set(), "the field has another word: see OLD_WORDS"
    assert MAY_STAND.keys() - found == set(), "no longer needed"


def test_the_test_sees_an_old_word():
    assert old_words("It is judged\nby one's\n    own filter_foretold; Judgement") == {
        "judged",
        "one's own",
        "foretold",
        "judgement",
    }
    assert old_words("imaginary subtold tell arrivals") == set()
