"""Shell blocks as single commands, with variables, loops and comments resolved."""

import re
import shlex

PLACEHOLDERS = {"SEED": "0", "S": "0"}
"""Words that stand for a number in the documentation."""


def commands(text: str, known: dict[str, str] | None = None) -> list[list[str]]:
    """The words of every command of a block, in order. Loops are gone through, `&&` separates commands. `known` holds
    variables of earlier blocks, and takes those that this one sets."""
    lines = [line.strip() for line in text.replace("\\\n", " ").splitlines()]
    return list(_resolved(lines, {} if known is None else known))


def _resolved(lines, known):
    lines = list(lines)
    while lines:
        line = lines.pop(0)
        loop = re.fullmatch(r"for (\w+) in (.*); do", line)
        if loop:
            inner = lines[: lines.index("done")]
            del lines[: len(inner) + 1]
            for value in loop[2].split():
                yield from _resolved(inner, {**known, loop[1]: value})
            continue
        given = re.fullmatch(r'(\w+)="(.*)"', line)
        if given:
            known[given[1]] = given[2]
            continue
        for name, value in known.items():
            line = re.sub(rf"\${name}\b", value, line)
        words: list[str] = []
        for word in [*shlex.split(line, comments=True), "&&"]:
            if word == "&&":
                if words:
                    yield words
                words = []
            else:
                words.append(PLACEHOLDERS.get(word, word))
