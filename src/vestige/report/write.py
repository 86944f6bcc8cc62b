"""Writing the page of a folder: all of it or nothing."""

import os
from pathlib import Path

from vestige.errors import RunError
from vestige.report.comparison import is_comparison
from vestige.report.files import REPORT, need_folder


def write_report(folder: Path) -> Path:
    """Write `report.html` into a run folder or a comparison folder, from the files in it.

    A folder whose `results.json` has `members` is a comparison. The page replaces an older one in one
    step, and the same files give the same bytes.

    **Arguments:**

    - `folder`: the run folder or the comparison folder.

    **Returns:** where the page is. **Raises** `UsageError` naming what is missing if the folder is
    neither, `RunError` if the page cannot be written.
    """
    folder = need_folder(Path(folder))
    if is_comparison(folder):
        from vestige.report.comparison_page import comparison_page as page
    else:
        from vestige.report.run_page import run_page as page
    return _replace(folder / REPORT, page(folder))


def _replace(path: Path, text: str) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            temporary.write_text(text, encoding="utf-8", newline="\n")
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"The report '{path}' could not be written: {error}") from error
    return path
