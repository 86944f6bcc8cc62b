"""A small file of steps, to try out the readers of your own files."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from vestige import gate
from vestige.data import places
from vestige.data.contract import Dataset
from vestige.data.files import staged, unwritable
from vestige.data.numbers import uniform
from vestige.errors import UsageError

Part = Literal["train", "held-out"]

SYMBOLS, QUESTIONS = 8, 3
BLANK, QUESTION, MARK = SYMBOLS, SYMBOLS + 1, SYMBOLS + 2
TOKENS = SYMBOLS + 3
"""How many different inputs there are."""
UNKNOWN = -1
EPISODES: dict[Part, int] = {"train": 2000, "held-out": 200}
LATE = 30  # steps at the end of an episode in which questions come


@dataclass(frozen=True)
class ExampleStream(Dataset):
    """Symbols, each queried much later, written as pairs of .npy files; never needs a network.

    An episode of 61 to 100 steps shows one of 8 symbols first; at three of its last 30 steps comes the question what
    that was. In half of the episodes another step is marked, and its outcome is a random symbol that nothing predicts.
    All other steps show a blank, and have no outcome (-1). Inputs are integers in 0..10, outcomes in 0..7.

    The files are made in the cache when they are first needed, of the same bytes on every machine.
    """

    name: ClassVar[str] = "example-stream"
    description: ClassVar[str] = "an invented stream of symbols and late questions, in .npy files; 2,000 + 200 episodes"
    licence: ClassVar[str] = "Apache-2.0 (made by Vestige)"
    size: ClassVar[str] = "0.4 MB (generated)"

    def load(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and outcomes of every step, int8."""
        episodes = EPISODES[part]
        draws = uniform(list(EPISODES).index(part), episodes * (5 + LATE)).reshape(episodes, -1)
        steps = [_episode(row) for row in draws]
        inputs, outcomes = (np.concatenate(parts).astype(np.int8) for parts in zip(*steps, strict=True))
        return inputs, outcomes

    def folder(self, part: Part) -> Path:
        """The folder in the cache with `inputs.npy` and `outcomes.npy`. **Raises** `RunError` where they cannot be
        written."""
        for path, content in self._files(part).items():
            if not _holds(path, content):
                _write(path, content)
        return places.cache_folder(self.name) / part

    def missing(self) -> list[str]:
        """Nothing, ever."""
        return []

    def found(self) -> str:
        """Always "generated"."""
        return "generated"

    def get(self) -> list[str]:
        """Make the files in the cache; one sentence for each part."""
        return [f"example-stream: {self.folder(part)} holds inputs.npy and outcomes.npy." for part in EPISODES]

    def check(self) -> list[str]:
        """Check those files that have been made. Raises UsageError for one that is damaged."""
        sentences = []
        for part in EPISODES:
            for path, content in self._files(part).items():
                if path.exists() and not _holds(path, content):
                    raise UsageError(
                        f"{path}: it is not what it should be. Delete it and run `vestige data get {self.name}`."
                    )
                state = "as expected" if path.is_file() else "not there, and is made when it is needed"
                sentences.append(f"example-stream: {path} is {state}.")
        return sentences

    def _files(self, part: Part) -> dict[Path, bytes]:
        folder = places.cache_folder(self.name) / part
        names = ("inputs.npy", "outcomes.npy")
        return {folder / name: _npy(array) for name, array in zip(names, self.load(part), strict=True)}


def _episode(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The steps of one episode, made of 5 + LATE numbers in [0, 1)."""
    symbol, marked, where, noise = (draws[:4] * (SYMBOLS, 2, LATE, SYMBOLS)).astype(int)
    length = 61 + int(40 * draws[4])
    inputs, outcomes = np.full(length, BLANK), np.full(length, UNKNOWN)
    inputs[0] = symbol
    asked = length - 1 - np.argsort(draws[5:], kind="stable")[:QUESTIONS]
    inputs[asked], outcomes[asked] = QUESTION, symbol
    if marked:
        inputs[1 + where], outcomes[1 + where] = MARK, noise
    return inputs, outcomes


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _holds(path: Path, content: bytes) -> bool:
    try:
        return gate.read_bytes(path, limit=len(content)) == content
    except gate.Unreadable:
        return False


def _write(path: Path, content: bytes) -> None:
    try:
        with staged(path) as part:
            part.write_bytes(content)
    except OSError as error:
        raise unwritable(path, error) from error
