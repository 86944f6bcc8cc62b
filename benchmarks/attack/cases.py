"""The attacks, family by family: a command and the files that it finds. Everything is a function of the seed alone."""

import dataclasses
import json
import random
import shutil
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from faults import (
    ENCODINGS,
    GZIP,
    JSON,
    NO_INTEGERS,
    NO_REALS,
    NPY,
    NPZ,
    SOUND,
    SPECIAL,
    WORDS,
    YAML,
    Place,
    content,
    damaged,
    saved,
    zipped,
)

RUNS = Path(__file__).parents[2] / "tests" / "runs" / "0.1"


@dataclasses.dataclass(frozen=True)
class Case:
    """One attack."""

    family: str
    what: str
    arguments: tuple[str, ...]
    files: Callable[[Path], None] = lambda folder: None
    """Puts into the folder in which the command runs what it finds there."""
    wrong: bool = True
    """Whether it must be refused; else it may be accepted as well."""
    environment: tuple[tuple[str, str], ...] = ()


def cases(seed: int) -> list[Case]:
    """All of them, in order."""
    rng = random.Random(seed)
    families = (whole_numbers, real_numbers, settings, names, recordings, streams, folders, data_sets, suites, plugins)
    return [case for family in families for case in family(rng)]


def _options(experiment: str, kind: type) -> list[str]:
    """Dotted names of the options of an experiment that are of a kind."""
    from vestige.registries import registry
    from vestige.spec import Spec

    def inside(spec: Spec, prefix: str = "") -> Iterator[str]:
        hints = typing.get_type_hints(type(spec))
        for field in dataclasses.fields(spec):
            value = getattr(spec, field.name)
            if isinstance(value, Spec):
                yield from inside(value, f"{prefix}{field.name}.")
            elif kind in (typing.get_args(hints[field.name]) or (hints[field.name],)):
                yield f"{prefix}{field.name}".replace("_", "-")

    return list(inside(registry("experiment").find(experiment).preset("small")))


EXPERIMENTS = ("perfect-recall", "recall", "tmaze", "ring-tracking", "bars-and-stripes", "toy-matching", "recordings")


def whole_numbers(rng: random.Random) -> Iterator[Case]:
    options = [(name, option) for name in EXPERIMENTS for option in _options(name, int)]
    for text in NO_INTEGERS:
        for name, option in rng.sample(options, 8):
            yield Case("whole numbers", text, ("run", name, f"--{option}={text}"))


def real_numbers(rng: random.Random) -> Iterator[Case]:
    options = [(name, option) for name in EXPERIMENTS for option in _options(name, float)]
    for text in NO_REALS:
        for name, option in rng.sample(options, 5):
            yield Case("real numbers", text, ("run", name, f"--{option}={text}"))


def settings(rng: random.Random) -> Iterator[Case]:
    for option in ("seed", "seeds", "devices", "jobs"):
        for text in rng.sample(NO_INTEGERS, 15):
            yield Case("settings", option, ("run", "toy-matching", f"--{option}={text}"))
    for command in (("sample", "r"), ("bench",), ("gradients", "matching")):
        for text in rng.sample(NO_INTEGERS, 8):
            yield Case("settings", command[0], (*command, f"--seed={text}"))
    for text in rng.sample(NO_REALS, 8):
        yield Case("settings", "bench", ("bench", f"--seconds={text}"))
        yield Case("settings", "gradients", ("gradients", "matching", f"--scale={text}"))
    for text in WORDS:
        yield Case("settings", "on-nonfinite", ("run", "toy-matching", f"--on-nonfinite={text}"))
        harmless = bool(text.strip()) and text.isprintable() and len(text.encode()) < 256
        yield Case("settings", "out", ("run", "toy-matching", "--task.n=0", f"--out={text}"))
        if not harmless:
            yield Case("settings", "out alone", ("run", "toy-matching", f"--out={text}"))
    for words in (("--seed", "1", "--seed", "2"), ("--resume=5",), ("--no-such",), ("--seed",), ("junk",), ("-x",)):
        yield Case("settings", "shape", ("run", "toy-matching", *words))


def names(rng: random.Random) -> Iterator[Case]:
    commands: dict[str, Callable[[str], tuple[str, ...]]] = {
        "command": lambda word: (word,),
        "experiment": lambda word: ("run", word),
        "preset": lambda word: ("run", "toy-matching", "--preset", word),
        "rule": lambda word: ("run", "perfect-recall", "--rule", word),
        "memory": lambda word: ("run", "perfect-recall", f"--memory={word}"),
        "option": lambda word: ("run", "perfect-recall", f"--{word}x=1"),
        "vary": lambda word: ("compare", "perfect-recall", "--vary", word),
        "varied value": lambda word: ("compare", "perfect-recall", f"--vary=task.l={word}"),
        "varied part": lambda word: ("compare", "perfect-recall", f"--vary=memory={word}"),
        "list": lambda word: ("list", f"x{word}"),
        "system": lambda word: ("list", f"--system=zz{word}"),
        "data": lambda word: ("data", "check", word),
        "data verb": lambda word: ("data", f"x{word}"),
        "structure": lambda word: ("gradients", word),
        "objective": lambda word: ("gradients", "matching", f"--objective={word}"),
        "estimators": lambda word: ("gradients", "matching", f"--estimators={word}"),
        "plugin": lambda word: ("list", f"--plugin={word}"),
        "folder": lambda word: ("evaluate", word),
        "report": lambda word: ("report", word),
    }
    for what, command in commands.items():
        for word in WORDS:
            if what != "option" or not word.startswith("="):
                default = (what, word) in (("vary", ""), ("estimators", "None"))
                yield Case("names", what, command(word), wrong=not default)


def recordings(rng: random.Random) -> Iterator[Case]:
    def case(what: str, name: str, place: Place, wrong: bool = True) -> Case:
        command = ("run", "recordings", "--task.path", name)
        return Case("recordings", what, command, lambda folder: place(folder / name), wrong)

    for ending, faults in ((".npy", NPY), (".npz", NPZ)):
        for what, data in faults.items():
            yield case(what, f"a{ending}", content(data))
        for what, place in SPECIAL.items():
            yield case(what, f"a{ending}", place)
        for what, data in ENCODINGS.items():
            yield case(what, f"a{ending}", content(data))
    for name in ("a", "a.csv", "a.NPY", "a.npy.gz", "a.txt"):
        yield case("ending", name, content(saved(SOUND)))
    for sound, name in ((saved(SOUND[:40]), "a.npy"), (zipped({"observations.npy": saved(SOUND[:40])}), "a.npz")):
        for _ in range(40):
            yield case("damaged", name, content(damaged(sound, rng)), wrong=False)
    yield case("Fortran order", "a.npy", content(saved(np.asfortranarray(SOUND))), wrong=False)


def _parquet() -> bytes:
    import io

    import pyarrow
    import pyarrow.parquet

    file = io.BytesIO()
    table = pyarrow.table({"inputs": np.arange(300) % 5, "outcomes": np.arange(300) % 3})
    pyarrow.parquet.write_table(table, file)
    return file.getvalue()


def _zarr(folder: Path) -> None:
    import zarr

    group = zarr.open_group(folder, mode="w")
    for name, many in (("inputs", 5), ("outcomes", 3)):
        group.create_array(name, data=np.arange(300) % many, chunks=(100,))


def _records(path: Path) -> None:
    from array_record.python.array_record_module import ArrayRecordWriter

    writer = ArrayRecordWriter(str(path), "group_size:1")
    for step in range(20):
        writer.write(np.array([step % 5, step % 3], "<i4").tobytes())
    writer.close()


def streams(rng: random.Random) -> Iterator[Case]:
    counts = ("--task.tokens", "5", "--task.classes", "3")

    def case(what: str, ending: str, place: Place, wrong: bool = True, more: tuple[str, ...] = counts) -> Case:
        files = ("--task.train", f"x{ending}", "--task.held-out", f"x{ending}")
        return Case("streams", what, ("run", "stream", *files, *more), lambda f: place(f / f"x{ending}"), wrong)

    def pair(inputs: Place) -> Place:
        def place(folder: Path) -> None:
            folder.mkdir()
            inputs(folder / "inputs.npy")
            (folder / "outcomes.npy").write_bytes(saved(np.arange(300) % 3))

        return place

    for what, data in (NPY | ENCODINGS).items():
        yield case(what, "", pair(content(data)))
    for what, place in SPECIAL.items():
        yield case(what, "", pair(place))
    for _ in range(30):
        yield case("damaged", "", pair(content(damaged(saved(np.arange(300) % 5), rng))), wrong=False)
    for ending in (".parquet", ".zarr", ".array_record", ".csv", ".npz", ""):
        for what, place in SPECIAL.items():
            yield case(what, ending, place)
        for what in ("noise", "nul", "one line of 3 MB"):
            yield case(what, ending, content(ENCODINGS[what]))
    sound = _parquet()
    for _ in range(40):
        yield case("damaged", ".parquet", content(damaged(sound, rng)), wrong=False)
    for column in ("nothing", "", "a,b", ","):
        yield case("columns", ".parquet", content(sound), more=(*counts, "--task.inputs", column))

    def metadata(text: bytes) -> Place:
        def place(folder: Path) -> None:
            _zarr(folder)
            (folder / "inputs" / "zarr.json").write_bytes(text)

        return place

    for what, data in (JSON | ENCODINGS).items():
        yield case(what, ".zarr", metadata(data))

    def changed(change: Callable[[dict], None]) -> Place:
        def place(folder: Path) -> None:
            _zarr(folder)
            path = folder / "inputs" / "zarr.json"
            told = json.loads(path.read_text())
            change(told)
            path.write_text(json.dumps(told))

        return place

    chunks = lambda told, shape: told["chunk_grid"]["configuration"].update(chunk_shape=shape)
    for what, change in {
        "a trillion steps": lambda told: told.update(shape=[10**12]),
        "negative": lambda told: told.update(shape=[-1]),
        "no axis": lambda told: told.update(shape=[]),
        "chunks of a trillion": lambda told: (told.update(shape=[10**12]), chunks(told, [10**12])),
        "chunks of nothing": lambda told: chunks(told, [0]),
        "type": lambda told: told.update(data_type="zz"),
        "codec": lambda told: told.update(codecs=[{"name": "zz"}]),
        "no codecs": lambda told: told.update(codecs=[]),
    }.items():
        yield case(what, ".zarr", changed(change))

    def records(change: Callable[[bytes], bytes]) -> Place:
        def place(path: Path) -> None:
            _records(path)
            path.write_bytes(change(path.read_bytes()))

        return place

    kinds = ("--task.inputs", "i4", "--task.outcomes", "i4")
    for _ in range(25):
        number = rng.randrange(2**32)
        change = lambda data, number=number: damaged(data, random.Random(number))
        yield case("damaged", ".array_record", records(change), wrong=False, more=(*counts, *kinds))
    for kind in ("O", "V8", "zz", "U0", "(1000000,1000000)f8", "i4,i4", "f8", "(0,)f4", "a" * 200, "M8", "c16"):
        yield case("types", ".array_record", _records, more=(*counts, "--task.inputs", kind, "--task.outcomes", "i4"))
    for text in rng.sample(NO_INTEGERS, 6):
        yield case("tokens", "", pair(content(saved(np.arange(300) % 5))), more=(f"--task.tokens={text}",))


def folders(rng: random.Random) -> Iterator[Case]:
    """Of a run of version 0.1 and of one that is only configured."""

    def case(what: str, name: str, place: Place, command: tuple[str, ...], wrong: bool = True) -> Case:
        def files(folder: Path) -> None:
            shutil.copytree(RUNS / "toy-matching", folder / "r")
            (folder / "r" / "expected.json").rename(folder / "r" / "results.json")
            (folder / "r" / name).unlink(missing_ok=True)
            place(folder / "r" / name)

        return Case("run folders", f"{name}: {what}", command, files, wrong)

    originals = {"config.yaml": "config.yaml", "results.json": "expected.json"}
    sound = {name: (RUNS / "toy-matching" / file).read_bytes() for name, file in originals.items()}
    bad = {what: content(data) for what, data in ENCODINGS.items()} | SPECIAL
    resume = ("run", "toy-matching", "--out", "r", "--resume")
    for what, place in ({what: content(data) for what, data in YAML.items()} | bad).items():
        for command in (("report", "r"), ("evaluate", "r"), ("sample", "r")):
            half = what in ("no options", "options null", "options a number") or "schema" in what or "plugin" in what
            half |= "option" in what or "experiment" in what or "seed" in what or what in ("keys", "long key")
            yield case(what, "config.yaml", place, command, wrong=not (half and command[0] == "report"))
    for what, place in ({what: content(data) for what, data in JSON.items()} | bad).items():
        mild = what in ("empty object", "metrics a list", "members of numbers")
        if what != "missing":  # a run that still goes on: it would be evaluated
            yield case(what, "results.json", place, ("report", "r"), wrong=not mild)
        yield case(what, "results.json", place, ("compare", "toy-matching", "--out", "r", "--resume"))  # a single run
    for name, faults in (("metrics.jsonl", JSON), ("evaluation.npz", NPZ)):
        for what, place in ({what: content(faults[what]) for what in rng.sample(sorted(faults), 8)} | SPECIAL).items():
            yield case(what, name, place, ("report", "r"), wrong=False)
    for name, data in sound.items():
        for _ in range(12):
            yield case("damaged", name, content(damaged(data, rng)), ("report", "r"), wrong=False)
    yield case("another run", "config.yaml", content(YAML["unknown option"]), resume, wrong=False)


def data_sets(rng: random.Random) -> Iterator[Case]:
    archives = {"music": "jsb_chorales.npz", "mocap": "cmu_mocap35_walking.npz", "omniglot": "omniglot_28x28.npz"}
    texts = {"tinyshakespeare": "tinyshakespeare.txt.gz", "mnist": "train-images-idx3-ubyte.gz"}
    for names, faults in ((archives, NPZ), (texts, GZIP)):
        for name, file in names.items():
            for what, place in ({what: content(data) for what, data in faults.items()} | SPECIAL).items():

                def files(folder: Path, name: str = name, file: str = file, place: Place = place) -> None:
                    (folder / "sets" / name).mkdir(parents=True)
                    place(folder / "sets" / name / file)

                yield Case(
                    "data sets", f"{name}: {what}", ("data", "check", name), files, True, (("VESTIGE_DATA", "sets"),)
                )
    for word in WORDS:
        if word and "\0" not in word and word not in (".", ".."):
            yield Case("data sets", "VESTIGE_DATA", ("data", "check", "music"), environment=(("VESTIGE_DATA", word),))


def suites(rng: random.Random) -> Iterator[Case]:
    for option in ("tasks", "memories", "preset"):
        for word in rng.sample(WORDS, 14):
            yield Case("suites", option, ("compare", "gtmm", f"--{option}={word}"))
    for option in ("steps", "seeds", "seed"):
        for text in rng.sample(NO_INTEGERS, 10):
            yield Case("suites", option, ("compare", "gtmm", f"--{option}={text}"))


PLUGINS = {
    "syntax": "def f(:",
    "raises": "raise ValueError('no')",
    "raises much": "raise ValueError('x' * 3_000_000)",
    "raises lines": "raise ValueError('\\n' * 5000 + 'x')",
    "raises colours": "raise ValueError('\\x1b[31m')",
    "exits": "raise SystemExit(0)",
    "exits with a word": "import sys; sys.exit('no')",
    "recursion": "def f(): return f()\nf()",
    "memory": "raise MemoryError()",
    "null": "a = '\0'",
    "encoding": "a = '\udce9'",
    "contract": "import vestige\nvestige.register('mammary', 'a', 3)",
    "no part": "import vestige\nvestige.register('memory', 'a', 3)",
    "taken": "import vestige\nfrom vestige.memory.specs import DNCSpec\nvestige.register('memory', 'dnc', DNCSpec)",
    "name": "import vestige\nfrom vestige.memory.specs import DNCSpec\nvestige.register('memory', '../x', DNCSpec)",
    "imports nothing": "import nothing_of_the_kind",
}


def plugins(rng: random.Random) -> Iterator[Case]:
    for number, (what, source) in enumerate(PLUGINS.items()):
        module = f"attack_plugin_{number}"

        def files(folder: Path, source: str = source, module: str = module) -> None:
            (folder / f"{module}.py").write_bytes(source.encode("utf-8", "surrogateescape"))

        yield Case("plugins", what, ("list", "memory", "--plugin", module), files)
