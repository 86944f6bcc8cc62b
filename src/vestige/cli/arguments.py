"""What may be typed at all."""

from vestige.errors import UsageError, shown

LONGEST_ARGUMENT = 4096
"""The longest path of a Linux system; nothing else that is typed is as long."""
MOST_ARGUMENTS = 1000


def check_arguments(arguments: list[str]) -> None:
    """**Raises:** `UsageError` where one of the `arguments` is no text that can be shown, or is too long."""
    if len(arguments) > MOST_ARGUMENTS:
        raise UsageError(f"the command has {len(arguments):,} arguments, and at most {MOST_ARGUMENTS:,} are taken")
    for place, argument in enumerate(arguments, 1):
        if len(argument) > LONGEST_ARGUMENT:
            raise UsageError(
                f"argument {place}, '{shown(argument, 30)}', has {len(argument):,} characters, and at most "
                f"{LONGEST_ARGUMENT:,} are taken"
            )
        if not argument.isprintable():
            raise UsageError(
                f"argument {place}, '{shown(argument)}', holds characters that cannot be printed; leave them out, and "
                "name files in UTF-8"
            )
