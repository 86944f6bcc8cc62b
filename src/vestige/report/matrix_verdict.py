"""The verdict on several experiments by several memories."""

from collections.abc import Mapping
from typing import Any

from vestige.report.answers import Answer, Verdict
from vestige.report.matrix import columns, matrix_rows
from vestige.report.ranking import LEAST_SEEDS


def matrix_verdict(results: Mapping[str, Any]) -> Verdict:
    """Who is ahead on how many tasks, and on which of them the seeds do not say."""
    rows = [row for row in matrix_rows(results) if row.ranks.leaders]
    if not rows:
        return Verdict("")
    compared = [row for row in rows if len(row.ranks.leaders) + len(row.ranks.behind) > 1]
    ahead = {name: [row.name for row in compared if row.ranks.winner == name] for name in columns(results)}
    parts = [f"{name} on {len(tasks)}" for name, tasks in ahead.items() if tasks]
    open_ = [row.name for row in compared if row.ranks.winner is None]
    if parts:
        sentence = f"Ahead, of {len(compared)} tasks: {', '.join(parts)}"
        sentence += f"; on {len(open_)} the seeds do not say." if open_ else "."
    else:
        sentence = "No winner on any task: the seeds do not say which memory is better."
    missing = sum(cell is None for row in matrix_rows(results) for cell in row.cells)
    few = sorted({row.name for row in compared if row.seeds < LEAST_SEEDS})
    caveats = [f"{missing} runs are missing."] if missing else []
    caveats += [f"Fewer than {LEAST_SEEDS} seeds: {', '.join(few)}."] if few else []
    answers = [Answer(f"{row.name}?", _who(row.ranks.leaders, row.ranks.winner, row.ranks.behind)) for row in compared]
    return Verdict(sentence, tuple(caveats), tuple(answers))


def _who(leaders: tuple[str, ...], winner: str | None, behind: tuple[str, ...]) -> str:
    if winner:
        return f"{winner} is ahead."
    return f"Between {', '.join(leaders)} the seeds do not say" + (f"; behind: {', '.join(behind)}." if behind else ".")
