"""Writing the page of a folder: all of it or nothing."""

from pathlib import Path

from vestige.report.comparison import is_comparison, read_comparison
from vestige.report.files import REPORT, need_folder, replace_text
from vestige.report.matrix import is_matrix
from vestige.report.run import read_run
from vestige.report.study import is_study


def write_report(folder: Path) -> Path:
    """Write `report.html` into the folder of a run, a comparison, a matrix or a study, from the files in it.

    A folder whose `results.json` has `members` is a comparison, one with `rows` and `columns` a matrix of experiments
    by memories. The page replaces an older one in one
    step, and the same files give the same bytes.

    **Arguments:**

    - `folder`: that of the run, the comparison or the matrix.

    **Returns:** where the page is. **Raises** `UsageError` naming what is missing if the folder is
    none of them, `RunError` if the page cannot be written.
    """
    folder = need_folder(Path(folder))
    if is_study(folder):
        from vestige.report.study_page import study_page as page
    elif is_comparison(folder):
        from vestige.report.comparison_page import comparison_page as page
    elif is_matrix(folder):
        from vestige.report.matrix_page import matrix_page as page
    else:
        from vestige.report.run_page import run_page as page
    return replace_text(folder / REPORT, page(folder))


def notes_of(folder: Path) -> tuple[str, ...]:
    """What could not be read of a folder, or is not what was written, a sentence each; as its page says too.

    **Raises:** `UsageError` where the folder is none of a run, a comparison or a matrix.
    """
    folder = need_folder(Path(folder))
    if is_study(folder):
        return ()
    if is_comparison(folder):
        return read_comparison(folder).notes
    return () if is_matrix(folder) else read_run(folder).notes
