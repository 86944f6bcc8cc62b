"""ListOps: nested list operations with their value, the published test sets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from vestige.data.expressions import Expression, Malformed, parsed
from vestige.data.stored import StoredData, StoredFile
from vestige.errors import UsageError, nearest, shown
from vestige.gate import Unreadable

ListOpsPart = Literal[
    "d20s-train", "d20s-valid", "d20s-test", "test-d20s", "test-d20a", "test-d20", "test-d14", "test-d8", "test-d5c"
]
"""The files by name; the first three are a partition of `test-d20s`."""

_FILES: Mapping[str, StoredFile] = {
    "d20s-train": StoredFile(
        "d20s_small_train.tsv.gz", 293_430, "a49471e432bc8cabe072fd2ab9ef7158a390a51506d50a78e1c521bef3cac7e4"
    ),
    "d20s-valid": StoredFile(
        "d20s_small_valid.tsv.gz", 40_064, "d908e8f47cd62a737e260aa694ac8634a5091e418a1af228444ae2258965f186"
    ),
    "d20s-test": StoredFile(
        "d20s_small_test.tsv.gz", 41_116, "e366ebc87f385be362b5ba04d227b34e018e8f9074e211c41f246f3f4a408af0"
    ),
    "test-d20s": StoredFile(
        "test_d20s.tsv.gz", 373_496, "71335416e6896e8dd8dc69281c8ed9b37316382d05d3705d660461564e843840"
    ),
    "test-d20a": StoredFile(
        "test_d20a.tsv.gz", 373_704, "51aa6a544f3bbf66b82b016071c0f045ad4006442937b788c8f0a448c7abc4b9"
    ),
    "test-d20": StoredFile(
        "test_d20.tsv.gz", 353_651, "25cdb7cede34db6f7b344bf7ac2728a0b00f1fe8d2742a0e4c07ad8249ac2963"
    ),
    "test-d14": StoredFile(
        "test_d14.tsv.gz", 224_609, "f8ac731a421911d214835ace5c9ec6850c41c133aeffa3a7cd55e7b0e3ad7ab7"
    ),
    "test-d8": StoredFile(
        "test_d8.tsv.gz", 123_515, "881061477e62e9941332825bf417e25a13de50a38bf74a893e23f4ef05b18087"
    ),
    "test-d5c": StoredFile(
        "test_d5c.tsv.gz", 151_806, "d96f90fcdbf2456e1a5c425b4b933350cb6c30b9fbe509248429c9f32ec367ef"
    ),
}


@dataclass(frozen=True)
class ListOps(StoredData):
    """Nested list operations, each with a digit as its value (Nangia and Bowman 2018)."""

    name: ClassVar[str] = "listops"
    description: ClassVar[str] = "nested list operations with their value, six published test sets and a split of one"
    licence: ClassVar[str] = "MIT"
    size: ClassVar[str] = "1.9 MB"

    @property
    def files(self) -> tuple[StoredFile, ...]:
        return tuple(_FILES.values())

    @property
    def source(self) -> str:
        return (
            "https://github.com/nyu-mll/spinn at 0e24a35c7be00e9f67814b0c846c3095cfe7632b, gzipped; d20s_small_… are "
            "rows of test_d20s by numpy.random.default_rng(0).permutation(10000), 8,000, 1,000 and 1,000,"
        )

    def load(self, part: str) -> list[Expression]:
        """The expressions of a file, evaluated and compared with their labels.

        **Arguments:**

        - `part`: which file, one of `ListOpsPart`.

        **Raises:** `UsageError` for an unknown name; as `check`.
        """
        if part not in _FILES:
            raise UsageError(f"listops: there is no '{part}'. {nearest(str(part), get_args(ListOpsPart))}")
        file = _FILES[part]
        return read_listops(self.text(file), str(self.path(file)))


def read_listops(text: str, path: str) -> list[Expression]:
    """The expressions of a file of lines `label<TAB>expression`.

    **Arguments:**

    - `text`: its content.
    - `path`: its name, for messages.

    **Returns:** one for each line.

    **Raises:** `Unreadable`, with the number of the line, where a label is no digit from 0 to 9, an expression is
    malformed, or worth something else than its label; where there is no line.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        label, tab, expression = line.partition("\t")
        if not tab:
            raise Unreadable(path, f"line {number} should be a label, a tab and an expression, got {shown(line)!r}")
        if label not in {str(digit) for digit in range(10)}:
            raise Unreadable(path, f"line {number}: the label must be a digit from 0 to 9, got {shown(label)!r}")
        try:
            one = parsed(expression)
        except Malformed as error:
            raise Unreadable(path, f"line {number}: the expression is malformed: {error}") from None
        if one.value != int(label):
            raise Unreadable(path, f"line {number}: the expression is worth {one.value} and its label is {label}")
        found.append(one)
    if not found:
        raise Unreadable(path, "it holds no expression")
    return found
