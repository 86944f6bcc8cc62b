"""A learner as a file, and back."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from vestige import gate
from vestige.errors import UsageError
from vestige.models.spec import ModelSpec
from vestige.online.beginning import Begun, beginning
from vestige.online.scaler import Moving
from vestige.plain import from_plain, to_plain
from vestige.storage.digests import DIGEST
from vestige.storage.durable import DamagedFile, writing
from vestige.tasks.filtering.scaling import Scaling
from vestige.training.leaves import named_leaves, with_leaves
from vestige.version import __version__

if TYPE_CHECKING:
    from vestige.online.learner import Learner

Of = TypeVar("Of", bound="Learner")
FORM = "vestige.Learner 1"
EARLY = "early"
STATE = "state."
UNITS = "units."
OPTIONS = ("kind", "warmup", "memory", "interval", "rate", "seed")
COUNTS = ("rows", "left_out")


def write_learner(learner: "Learner", path: Path) -> None:
    """Write a learner.

    **Arguments:**

    - `learner`: as it is.
    - `path`: of the file.

    **Raises:** `RunError` where it cannot be written.
    """
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray] = {}
    if learner.early is not None:
        arrays[EARLY] = np.ascontiguousarray(learner.early)
    plain: dict[str, Any] = {
        "form": FORM,
        "vestige": __version__,
        "model": to_plain(learner.model),
        "options": {name: getattr(learner, name) for name in OPTIONS},
        "counts": {name: getattr(learner, name) for name in COUNTS},
        "names": learner.names,
        "scaling": None,
    }
    if learner.begun is not None:
        plain["scaling"] = learner.begun.scaling.as_plain()
        arrays |= {f"{UNITS}{name}": each for name, each in learner.begun.units._asdict().items()}
        leaves = named_leaves(learner.begun.state)
        arrays |= {f"{STATE}{name}": np.array(leaf, order="C") for name, leaf in leaves.items()}
    words = {"learner": json.dumps(plain)}
    words[DIGEST] = _digest(arrays, words["learner"])
    with writing(path) as file:
        file.write(save(arrays, words))


def read_learner(kind: type[Of], path: Path) -> Of:
    """Read what `write_learner` wrote.

    **Arguments:**

    - `kind`: the class of the learner.
    - `path`: of the file.

    **Raises:** `UsageError` where it is no file of a learner; `DamagedFile` where it is not what was written.
    """
    try:
        tensors = gate.read_safetensors(path)
    except gate.Missing:
        raise UsageError(f"{path}: there is no such file") from None
    except gate.Unreadable as error:
        raise DamagedFile.of(error) from error
    text = tensors.metadata.get("learner")
    if text is None:
        raise UsageError(f"{path} is not the file of a Learner; vestige.load reads runs and exports")
    if tensors.metadata.get(DIGEST) != _digest(tensors.arrays, text):
        raise DamagedFile(path, f"is not what was written (its {DIGEST} differs)")
    plain = gate.parse_json(text)
    if plain["form"] != FORM:
        raise UsageError(f"{path} is of Vestige {plain['vestige']}; this one does not know its form, '{plain['form']}'")
    spec = from_plain(ModelSpec, plain["model"], where=str(path))
    learner = kind(spec, **plain["options"])  # pyright: ignore[reportArgumentType]
    learner.early = tensors.arrays.get(EARLY)
    learner.names = None if plain["names"] is None else tuple(plain["names"])
    learner.rows, learner.left_out = (plain["counts"][name] for name in COUNTS)
    if plain["scaling"] is not None:
        learner.begun = _begun(learner, Scaling.from_plain(plain["scaling"]), tensors.arrays, path)
    return learner


def _begun(learner: "Learner", scaling: Scaling, arrays: Mapping[str, np.ndarray], path: Path) -> Begun:
    leaves = {name.removeprefix(STATE): array for name, array in arrays.items() if name.startswith(STATE)}
    plan = learner.planned(scaling)
    template = beginning(learner.model, scaling, None, plan, seed=learner.seed)
    try:
        units = Moving(*(arrays[f"{UNITS}{name}"] for name in Moving._fields))
        return Begun(scaling, units, plan, with_leaves(template, leaves))
    except ValueError as error:
        raise UsageError(f"{path} does not fit the model that this version of Vestige builds: {error}") from error


def _digest(arrays: Mapping[str, np.ndarray], text: str) -> str:
    found = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        found.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        found.update(arrays[name].tobytes())
    return found.hexdigest()
