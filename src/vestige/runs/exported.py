"""An export, made into a model again."""

from pathlib import Path
from typing import Any, NamedTuple

from vestige import gate
from vestige.runs.exporting import CARD, WEIGHTS
from vestige.storage.digests import DIGEST, digest_of_file, seal_holds
from vestige.storage.durable import DamagedFile
from vestige.training.leaves import with_leaves


class Exported(NamedTuple):
    """What an export holds."""

    model: Any
    step: int


def is_export(folder: Path) -> bool:
    """Whether `folder` is what `vestige export` writes."""
    return (folder / WEIGHTS).is_file()


def exported(folder: Path, template: Any) -> Exported:
    """The model of an export. Every file that its card names is compared with its digest.

    **Arguments:**

    - `folder`: of the export.
    - `template`: a model of the same configuration.

    **Returns:** the model, and after how many updates.

    **Raises:** `DamagedFile` where a file is not what was written, or the weights do not fit the configuration.
    """
    _check(folder)
    try:
        tensors = gate.read_safetensors(folder / WEIGHTS)
        return Exported(with_leaves(template, tensors.arrays), int(tensors.metadata["update"]))
    except gate.Unreadable as error:
        raise DamagedFile.of(error) from error
    except KeyError as error:
        raise DamagedFile(folder / WEIGHTS, f"does not say {error}") from None
    except ValueError as error:
        raise DamagedFile(folder / WEIGHTS, f"does not fit the configuration beside it: {error}") from None


def _check(folder: Path) -> None:
    try:
        card = gate.read_json(folder / CARD)
    except gate.Unreadable as error:
        raise DamagedFile.of(error) from error
    if not isinstance(card, dict) or not isinstance(card.get("files"), dict) or not seal_holds(card):
        raise DamagedFile(folder / CARD, f"is not what was written (its {DIGEST} differs)")
    for name, digest in card["files"].items():
        path = folder / Path(name).name
        if not path.is_file():
            raise DamagedFile(path, "is missing, and the card names it")
        if digest_of_file(path) != digest:
            raise DamagedFile(path, f"is not what was written (digest {digest} is expected)")
