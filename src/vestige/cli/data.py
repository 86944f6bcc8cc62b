"""`vestige data describe FILE | list | get NAME | check [NAME]`."""

from vestige.cli.grid import Grid, print_grid
from vestige.data import DATASETS, check, get, listing
from vestige.errors import UsageError, nearest

VERBS = ("describe", "list", "get", "check")
USAGE = """usage: vestige data describe FILE  what a file of yours is: columns, kinds, roles, what is suspicious
       vestige data list           what is known, and where it was found
       vestige data get NAME       download into the cache, or say how to put it in place
       vestige data check [NAME]   verify checksums and shapes

VESTIGE_DATA=FOLDER names a folder with your own copies, FOLDER/NAME/FILE."""


def main(arguments: list[str]) -> int:
    """Describe a file; list, fetch or verify data sets."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    verb, *names = arguments
    if verb == "describe":
        from vestige.cli import describe

        return describe.main(names)
    if verb == "list" and not names:
        rows = [list(row) for row in listing()]
        print_grid(Grid(("name", "what", "where", "licence", "size"), rows, prose=frozenset({1, 2, 3})))
    elif verb == "get" and len(names) == 1:
        print("\n".join(get(names[0])))
    elif verb == "check" and len(names) <= 1:
        for name in names or list(DATASETS):
            print("\n".join(check(name)))
    elif verb in ("list", "get", "check"):
        raise UsageError(f"vestige data {verb}: wrong number of names\n{USAGE}")
    else:
        raise UsageError(f"vestige data: unknown '{verb}'. {nearest(verb, VERBS)}")
    return 0
