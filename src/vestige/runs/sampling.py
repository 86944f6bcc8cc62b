"""Samples of a run's model as files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vestige.data.tables.writing import check_target, table_writer
from vestige.errors import UsageError
from vestige.runs.image_grid import save_image_grid
from vestige.runs.predicting import card_of
from vestige.storage.durable import write_text
from vestige.tasks.samples import Sampled
from vestige.version import __version__

if TYPE_CHECKING:
    from vestige.runs.restoring import Restored

PICTURE, TEXT = ".png", ".txt"


def default_suffix(sampled: Sampled) -> str:
    """Of the file that shows samples best.

    **Arguments:** `sampled`: the samples.
    """
    return PICTURE if sampled.pictures is not None else TEXT if sampled.texts else ".csv"


def write_samples(sampled: Sampled, out: Path, *, run: "Restored", options: dict[str, Any], force: bool) -> None:
    """Write samples, and beside them a card that says what they are.

    **Arguments:**

    - `sampled`: the samples.
    - `out`: `.csv`, `.tsv` or `.parquet`; `.png` where they are pictures (the arrays go beside it as `.npz`), `.txt`
      where they are texts.
    - `run`: whose model drew them.
    - `options`: with which, for the card.
    - `force`: replace a file that exists.

    **Raises:** `UsageError` where they are not of the form that the name says, and where the file exists; `RunError`
    where it cannot be written.
    """
    forms = {
        PICTURE: sampled.pictures is not None,
        TEXT: bool(sampled.texts),
        **dict.fromkeys((".csv", ".tsv", ".parquet"), bool(sampled.columns)),
    }
    if not forms.get(out.suffix):
        able = ", ".join(name for name, can in forms.items() if can)
        raise UsageError(f"--out {out}: samples of {run.entry.name} are written as {able}")
    if out.suffix in (PICTURE, TEXT) and out.exists() and not force:
        raise UsageError(f"{out} exists; choose another --out, or --force")
    if out.suffix == PICTURE:
        assert sampled.pictures is not None
        save_image_grid(out, sampled.pictures)
    elif out.suffix == TEXT:
        rule = "\n" + 40 * "-" + "\n"
        write_text(out, rule.join(sampled.texts) + "\n")
    else:
        check_target(out, force=force)
        with table_writer(out) as writer:
            writer.write(dict(sampled.columns))
    card = {
        "samples": out.name,
        "run": str(run.folder.absolute()),
        "experiment": run.entry.name,
        "update": run.step,
        "vestige": __version__,
        "options": options,
        "notices": run.notices,
    }
    write_text(card_of(out), json.dumps(card, indent=1, ensure_ascii=False) + "\n")
