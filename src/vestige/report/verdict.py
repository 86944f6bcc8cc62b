"""Whether a result is good, against what, and how sure: one sentence, and the answers to what a reader asks."""

from pathlib import Path

from vestige.report.answers import Answer as Answer
from vestige.report.answers import Verdict as Verdict
from vestige.report.comparison import is_comparison
from vestige.report.matrix import is_matrix
from vestige.report.study import is_study


def verdict_of(folder: Path) -> Verdict:
    """The verdict of the run, the comparison, the matrix or the study in `folder`.

    **Raises:** `UsageError` where the folder is none of them.
    """
    folder = Path(folder)
    if is_study(folder):
        from vestige.report.study import read_study
        from vestige.report.study_verdict import study_verdict

        return study_verdict(read_study(folder))
    if is_comparison(folder):
        from vestige.report.comparison import read_comparison
        from vestige.report.comparison_verdict import comparison_verdict

        return comparison_verdict(read_comparison(folder))
    if is_matrix(folder):
        from vestige.report.files import read_results
        from vestige.report.matrix_verdict import matrix_verdict

        return matrix_verdict(read_results(folder) or {})
    from vestige.report.run import read_run
    from vestige.report.run_verdict import run_verdict

    return run_verdict(read_run(folder, arrays=False))
