"""Which `ValueError`s are about what somebody gave, and which are faults."""

import contextlib
import dis
from collections.abc import Iterator

RAISE = "RAISE_VARARGS"


class Refused(ValueError):
    """What was given does not fit: a size, an option, a combination. Nothing was started."""


@contextlib.contextmanager
def refusals(*parts: object) -> Iterator[None]:
    """Within the block a `ValueError` that a check raises is raised as `Refused`; a fault stays what it is.

    A check is a `raise` statement in Vestige, or in the package in which the class of one of `parts` is defined. What a
    library raises, and what a built-in function does (`zip` of different lengths), is a fault of the code that calls
    it.

    To be put around what is done with given values before a run begins, and around nothing that runs afterwards.
    """
    try:
        yield
    except Refused:
        raise
    except ValueError as error:
        if not _checked(error, {"vestige", *(_package(type(part).__module__) for part in parts)}):
            raise
        raise Refused(str(error)) from error


def _checked(error: ValueError, packages: set[str]) -> bool:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    if at is None or _package(str(at.tb_frame.f_globals.get("__name__"))) not in packages:
        return False
    return dis.opname[at.tb_frame.f_code.co_code[at.tb_lasti]] == RAISE


def _package(module: str) -> str:
    return module.partition(".")[0]
