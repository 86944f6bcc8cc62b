"""Names with a text beside each, at any width."""

import textwrap


def hanging(name: str, text: str, *, names: int, width: int) -> str:
    """A name with a text beside it whose further lines are indented, or below it where there is little room.

    **Arguments:**

    - `name`: with what indents it.
    - `text`: one paragraph.
    - `names`: characters of the longest name.
    - `width`: of the terminal.
    """
    room = max(width - 1, 20)
    options = {"width": room, "break_long_words": False, "break_on_hyphens": False}
    if room - names - 2 < 30:
        return "\n".join([name, *textwrap.wrap(text, initial_indent="    ", subsequent_indent="    ", **options)])
    indent = " " * (names + 2)
    lines = textwrap.wrap(text, initial_indent=indent, subsequent_indent=indent, **options)
    return f"{name:<{names}}  " + "\n".join(lines)[len(indent) :] if lines else name
