"""The attacks that need a process of their own: sizes that no machine has, bombs, streams, variables."""

from collections.abc import Iterator
from pathlib import Path

from cases import Case
from faults import NPY, NPZ, SPECIAL, YAML, bomb, content, saved

LARGE = str(2**31 - 1)


def processes() -> Iterator[Case]:
    """All of them, in order."""
    yield from sizes()
    yield from bombs()
    yield from variables()


def sizes() -> Iterator[Case]:
    """Options whose arrays cannot exist; updates are few, so that only the sizes matter."""
    for experiment, option in (
        ("perfect-recall", "batch-size"),
        ("perfect-recall", "eval-size"),
        ("perfect-recall", "model.width"),
        ("perfect-recall", "model.latent-size"),
        ("perfect-recall", "model.memory.heads"),
        ("recall", "batch-size"),
        ("toy-matching", "batch-size"),
        ("bars-and-stripes", "batch-size"),
    ):
        for size in (LARGE, "100000000"):
            yield Case("sizes", option, ("run", experiment, f"--{option}", size, "--steps", "1", "--num-evals", "1"))

    for experiment, option in (("perfect-recall", "task.l"), ("toy-matching", "task.n")):
        yield Case("sizes", option, ("run", experiment, f"--{option}", LARGE, "--steps", "1", "--num-evals", "1"))


def bombs() -> Iterator[Case]:
    """Files that are larger than they look."""
    for name, data in (
        ("a.npz", bomb()),
        ("a.npz", NPZ["claims a trillion"]),
        ("a.npy", NPY["a trillion values"]),
    ):
        yield Case(
            "bombs", name, ("run", "recordings", "--task.path", name), lambda f, d=data, n=name: content(d)(f / n)
        )
    for kind in ("pipe", "device", "endless device", "sparse terabyte"):
        place = SPECIAL[kind]
        yield Case("bombs", kind, ("run", "recordings", "--task.path", "a.npy"), lambda f, p=place: p(f / "a.npy"))
        for name in ("config.yaml", "results.json"):

            def files(folder: Path, name: str = name, kind: str = kind) -> None:
                (folder / "r").mkdir()
                if name != "config.yaml":
                    (folder / "r" / "config.yaml").write_text("options: {}")
                SPECIAL[kind](folder / "r" / name)

            yield Case("bombs", f"{name}: {kind}", ("report", "r"), files)
    for kind in ("laughs", "merges", "deep"):

        def config(folder: Path, kind: str = kind) -> None:
            (folder / "r").mkdir()
            (folder / "r" / "config.yaml").write_bytes(YAML[kind])

        yield Case("bombs", kind, ("evaluate", "r"), config)


def variables() -> Iterator[Case]:
    """Of the environment."""
    run = ("run", "recordings", "--task.path", "a.npy")
    wrong = lambda folder: (folder / "a.npy").write_bytes(saved(__import__("numpy").ones(1)))
    for name, value in (
        ("VESTIGE_COMPILATION_CACHE_BYTES", "1e9"),
        ("VESTIGE_COMPILATION_CACHE_BYTES", "٣"),
        ("VESTIGE_COMPILATION_CACHE_BYTES", "-1"),
        ("JAX_COMPILATION_CACHE_DIR", "/dev/null"),
        ("JAX_COMPILATION_CACHE_DIR", "x" * 5000),
        ("XDG_CACHE_HOME", "/dev/null"),
        ("VESTIGE_PLUGINS", "no_such_module"),
        ("VESTIGE_PLUGINS", "x" * 5000),
        ("PYTHONIOENCODING", "ascii"),
        ("COLUMNS", "1"),
        ("TERM", "no-such-terminal"),
    ):
        yield Case("variables", name, run, wrong, True, ((name, value),))
