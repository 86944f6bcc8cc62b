"""What a verdict consists of."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a reader asks, and the answer; `good` says whether it is a welcome one, None: neither."""

    question: str
    text: str
    good: bool | None = None


@dataclass(frozen=True)
class Verdict:
    """What heads a page, a table on the terminal and a line of `vestige runs`."""

    sentence: str
    """Empty where nothing was evaluated yet."""
    caveats: tuple[str, ...] = ()
    """Sentences on what weakens it: too few updates, one seed, other data than the published."""
    answers: tuple[Answer, ...] = ()
    """To what a reader asks, in the order of the page."""
    commands: tuple[str, ...] = ()
    """What is typed to use the run; RUN is its folder."""

    def as_plain(self) -> dict[str, Any]:
        """For JSON: `sentence`, `caveats`, `answers` (question, text, good), `commands`."""
        return asdict(self)
