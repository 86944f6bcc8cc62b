"""A new run that begins with the weights of another."""

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import equinox as eqx
import jax

from vestige.errors import UsageError
from vestige.runs.config import Origin, recorded
from vestige.runs.folder import CHECKPOINTS, CONFIG
from vestige.storage.durable import DamagedFile
from vestige.training import Checkpoints

MODEL = "model."
"""How the paths of a state's leaves begin that belong to its model."""


@dataclasses.dataclass(frozen=True)
class Weights:
    """The arrays of a model, by their paths, and where they are from."""

    origin: Origin
    leaves: dict[str, Any]
    notices: list[str]

    def into(self, model: Any) -> Any:
        """`model` with these arrays in place of its own.

        **Raises:** `UsageError` where names, types or shapes differ, with those that do.
        """
        arrays, static = eqx.partition(model, eqx.is_array)
        named = {
            jax.tree_util.keystr(path, simple=True, separator="."): leaf
            for path, leaf in jax.tree_util.tree_leaves_with_path(arrays)
        }
        here, there = _kinds(named), _kinds(self.leaves)
        differing = [
            f"{name}: there {there.get(name, 'absent')}, here {here.get(name, 'absent')}"
            for name in sorted(here.keys() | there.keys())
            if here.get(name) != there.get(name)
        ]
        if differing:
            more = f"\n  and {len(differing) - 8} more" if len(differing) > 8 else ""
            raise UsageError(
                f"--init-from {self.origin.folder}: its model is another than this run's; give the options of its "
                "model, or leave --init-from out:\n  " + "\n  ".join(differing[:8]) + more
            )
        leaves = [jax.numpy.asarray(self.leaves[name]) for name in named]
        return eqx.combine(jax.tree.unflatten(jax.tree.structure(arrays), leaves), static)


def weights_of(folder: Path, *, only: Origin | None = None) -> Weights:
    """The weights in the newest sound checkpoint of the run in `folder`.

    **Arguments:**

    - `folder`: a run folder, of whichever experiment.
    - `only`: the checkpoint that it must be.

    **Raises:** `UsageError` where there is no sound checkpoint, or `only` is no longer there.
    """
    if not (folder / CONFIG).exists():
        raise UsageError(f"--init-from {folder}: it is not a run folder, it has no {CONFIG}")
    store = Checkpoints(folder / CHECKPOINTS, fingerprint="")
    stored = store.stored(prefix=MODEL, digest="" if only is None else only.digest)
    if stored is None and only is not None:
        raise UsageError(
            f"this run began with the weights of update {only.step} of {only.folder}, which are not there any more, "
            "and has no checkpoint of its own yet; start again in another --out"
        )
    if stored is None:
        raise UsageError(f"--init-from {folder}: it has no checkpoint that can be read; vestige verify says why")
    return Weights(Origin(str(folder.absolute()), stored.step, stored.digest), stored.leaves, stored.notices)


def begun_with(folder: Path, init_from: Path | None, *, resume: bool) -> Weights | Origin | None:
    """The weights in `init_from`, for a run in `folder`; of a run that goes on and began with them, where they were
    from.

    **Arguments:**

    - `folder`: of the run.
    - `init_from`: what was given; None where nothing was.
    - `resume`: whether the run may have begun already: its weights are then in its own checkpoints.

    **Raises:** `UsageError` as `weights_of` does.
    """
    if init_from is None:
        return None
    if resume and (folder / CONFIG).exists():
        with contextlib.suppress(DamagedFile):
            there = recorded(folder).origin
            if there is not None and there.folder == str(init_from.absolute()):
                return there
    return weights_of(init_from)


def _kinds(leaves: dict[str, Any]) -> dict[str, str]:
    return {name: f"{leaf.dtype}{list(leaf.shape)}" for name, leaf in leaves.items()}
