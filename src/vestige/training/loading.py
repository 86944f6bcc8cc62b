"""The arrays of a checkpoint, read into a state."""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax

from vestige.errors import RunError, UsageError
from vestige.training.leaves import named_leaves
from vestige.training.manifest import Manifest
from vestige.training.schema import blank, filled, lasting, renamed, schema_of


def check_same(target: Path, manifest: Manifest, template: Any, fingerprints: tuple[str, ...]) -> None:
    """Whether a checkpoint is of the run that wants to go on.

    **Arguments:**

    - `target`, `manifest`: the checkpoint.
    - `template`: a state of the run.
    - `fingerprints`: that the configuration of the run has or had.

    **Raises:** `UsageError` where it belongs to another configuration; it names the leaves that differ.
    """
    here, there = lasting(schema_of(named_leaves(template))), lasting(dict(manifest.leaves))
    differing = [
        f"{name}: saved {there.get(name, 'absent')}, expected {here.get(name, 'absent')}"
        for name in sorted(here.keys() | there.keys())
        if here.get(name) != there.get(name)
    ]
    same = manifest.fingerprint in fingerprints
    if (differing and not (same and renamed(here, there))) or not same:
        detail = ("\n  " + "\n  ".join(differing[:8])) if differing else ""
        raise UsageError(
            f"checkpoint {target} belongs to another configuration; "
            f"resume with the options of that run, or choose another --out.{detail}"
        )


def load(target: Path, manifest: Manifest, template: Any) -> Any:
    """The state of a checkpoint, shaped and placed like `template`; its leaves may have had other names.

    **Arguments:**

    - `target`, `manifest`: the checkpoint, of the same configuration.
    - `template`: a state.

    **Raises:** `RunError` where Orbax cannot read it.
    """
    wanted, saved = named_leaves(template), manifest.leaves
    names = dict(zip(lasting(wanted), lasting(dict(saved)), strict=True)) | {n: n for n in wanted if n in saved}
    stored = {names[name]: leaf for name, leaf in wanted.items() if name in names}
    # Orbax reads all that was stored or nothing: sums of metrics that are no more are read and dropped.
    gone = {name: blank(kind) for name, kind in saved.items() if name not in stored}
    loaded = stored | read(target, filled({**stored, **gone}))
    arrays, static = eqx.partition(template, eqx.is_array)
    leaves = [loaded[names[name]] if name in names else leaf for name, leaf in wanted.items()]
    return eqx.combine(jax.tree.unflatten(jax.tree.structure(arrays), leaves), static)


def read(target: Path, like: dict[str, Any]) -> dict[str, Any]:
    """Arrays of a checkpoint by their names, shaped and placed like those of `like`, which must be all it has.

    **Arguments:**

    - `target`: the checkpoint.
    - `like`: name -> array.

    **Raises:** `RunError` where Orbax cannot read it.
    """
    try:
        import orbax.checkpoint as ocp

        with ocp.StandardCheckpointer() as reader:
            return reader.restore(target, like)
    except Exception as error:
        raise RunError(f"cannot read checkpoint {target}: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """What an `error` of Orbax says, in a line; a full disk, which has many guises, by one name."""
    text = str(error).strip() or type(error).__name__
    if "No space left on device" in text or "ENOSPC" in text or "RESOURCE_EXHAUSTED" in text:
        return "no space left on the device"
    return text.splitlines()[0][:300]
