"""A run as a folder for others: weights, what they need, a card, and a program that runs without Vestige.

| file | holds |
|---|---|
| `weights.safetensors` | every array of the model by its path, with update and digest in its words |
| `config.yaml`, `fitted.json` | as in the run: how the model is built, and what was fitted on the training data |
| `results.json`, `evaluation.npz` | as in the run, where it is at its end: numbers, and held-out errors for intervals |
| `NAME.stablehlo`, `NAME.npz` | what the model computes (`jax.export`), and inputs and outputs of one call |
| `card.json`, `README.md` | what it is, on what data, how good, how to load it; digests of all files |
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vestige import gate
from vestige.errors import UsageError
from vestige.experiments.protocols import ExportsProgram, ServesWithoutData
from vestige.plain import name_of
from vestige.runs.config import read_options, recorded
from vestige.runs.export_card import LICENCE, readme
from vestige.runs.folder import EVALUATION, versions, write_json
from vestige.runs.predicting import evaluated
from vestige.storage.config import CONFIG
from vestige.storage.digests import digest_of_file, sealed
from vestige.storage.durable import sync_folder, write_text, writing
from vestige.storage.fitted import FITTED
from vestige.storage.results import RESULTS
from vestige.tasks.programs import Program
from vestige.training.leaves import named_leaves

if TYPE_CHECKING:
    from vestige.runs.restoring import Restored

WEIGHTS, CARD, README = "weights.safetensors", "card.json", "README.md"
PLATFORMS = ("cpu", "cuda", "tpu")
"""For which a program is lowered."""


def export(run: "Restored", out: str | Path, *, licence: str = LICENCE) -> dict[str, Any]:
    """Write a run as a folder for others. Lowers its program for three platforms, and compiles it once for the example.

    **Arguments:**

    - `run`: restored from a run folder, with or without its data.
    - `out`: the folder, which must not exist, or be empty.
    - `licence`: under which the weights are given on, for the card.

    **Returns:** the card.

    **Raises:** `UsageError` where the folder holds something, or `run` is an export itself; `RunError` where it cannot
    be written.
    """
    out = Path(out)
    if (run.folder / WEIGHTS).is_file():
        raise UsageError(f"{run.folder} is an export already; copy it")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out} exists and is not an empty folder; choose another name")
    arrays = evaluated(run.folder, run.step)
    program = _program(run, arrays)
    blob = _exported(program) if program else None  # before anything is written
    out.mkdir(parents=True, exist_ok=True)
    _write_weights(out / WEIGHTS, run)
    kept = [CONFIG, FITTED]
    if arrays is not None:
        kept += [RESULTS, EVALUATION]
    for name in kept:
        if (run.folder / name).is_file():
            with gate.open_regular(run.folder / name, limit=None) as source, writing(out / name) as target:
                shutil.copyfileobj(source, target)
    if program and blob:
        with writing(out / f"{program.name}.stablehlo") as file:
            file.write(blob)
        _write_example(out / f"{program.name}.npz", program, blob)
    card = _card(run, program, licence)
    write_text(out / README, readme(card))
    files = {path.name: digest_of_file(path) for path in sorted(out.iterdir())}
    write_json(out / CARD, sealed({**card, "files": files}))
    sync_folder(out)
    return card


def _program(run: "Restored", arrays: dict[str, np.ndarray] | None) -> Program | None:
    task = run.components.task
    return task.program(run.model, arrays) if isinstance(task, ExportsProgram) else None


def _exported(program: Program) -> bytes:
    import jax

    inputs = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in program.example]
    return bytes(jax.export.export(jax.jit(program.function), platforms=PLATFORMS)(*inputs).serialize())


def _write_example(path: Path, program: Program, blob: bytes) -> None:
    """One call of the program as it was written."""
    import jax

    found = jax.export.deserialize(bytearray(blob)).call(*program.example)
    arrays = dict(zip(program.inputs, program.example, strict=True))
    outputs = {f"out.{name}": np.asarray(value) for name, value in zip(program.outputs, found, strict=True)}
    with writing(path) as file:
        np.savez(file, **{f"in.{name}": value for name, value in arrays.items()}, **outputs)  # pyright: ignore[reportArgumentType]


def _write_weights(path: Path, run: "Restored") -> None:
    import jax
    from safetensors.numpy import save

    leaves = named_leaves(run.model)
    keys = [name for name, leaf in leaves.items() if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key)]
    if keys:
        raise UsageError(f"{run.folder}: the model holds random keys ({', '.join(keys)}), which are no weights")
    arrays = {name: np.array(leaf, order="C") for name, leaf in leaves.items()}  # others are written in wrong order
    words = {"experiment": run.entry.name, "update": str(run.step), "format": "vestige"}
    with writing(path) as file:
        file.write(save(arrays, words))


def _card(run: "Restored", program: Program | None, licence: str) -> dict[str, Any]:
    options, model = read_options(run.folder), named_leaves(run.model)
    experiment = recorded(run.folder).experiment  # with its data, be they read or not
    return {
        "name": run.folder.resolve().name,
        "experiment": run.entry.name,
        "says": run.entry.summary,
        "task": name_of(experiment.task),
        "model": name_of(experiment.model),
        "rule": name_of(experiment.rule),
        "update": run.step,
        "parameters": int(sum(leaf.size for leaf in model.values())),
        "data": options.get("data") or "generated, or shipped with Vestige",
        "seed": options.get("seed"),
        "metrics": _metrics(run),
        "licence": licence,
        "versions": versions(),
        "predicts": isinstance(experiment.task, ServesWithoutData),
        "program": program and _described(program),
    }


def _metrics(run: "Restored") -> dict[str, Any] | None:
    from vestige.storage.results import read_results

    if not (run.folder / RESULTS).is_file():
        return None
    results = read_results(run.folder / RESULTS)
    return results.get("metrics") if results.get("updates") == run.step else None


def _described(program: Program) -> dict[str, Any]:
    shapes = {
        name: f"{value.dtype}{list(value.shape)}" for name, value in zip(program.inputs, program.example, strict=True)
    }
    return {
        "file": f"{program.name}.stablehlo",
        "example": f"{program.name}.npz",
        "says": program.says,
        "platforms": list(PLATFORMS),
        "inputs": {name: {"form": shapes[name], "holds": said} for name, said in program.inputs.items()},
        "outputs": dict(program.outputs),
    }
