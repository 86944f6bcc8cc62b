"""The command line; thin. Each command is a module that is imported only when it is called."""

import contextlib
import importlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator

from vestige.cli import streams
from vestige.cli.arguments import check_arguments
from vestige.errors import UsageError, VestigeError, nearest, shown

OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "Out of memory", "exceeds the maximum supported size")
"""What XLA says where an array does not fit."""

COMMANDS = {
    "list": ("listing", "what can be run, with paper, presets and run times"),
    "run": ("run", "train, evaluate, report: vestige run EXPERIMENT [--preset small|cpu|paper]"),
    "compare": (
        "compare",
        "one table over several settings and seeds: vestige compare EXPERIMENT --vary memory",
    ),
    "evaluate": ("evaluate", "final metrics of a run, from its newest checkpoint"),
    "sample": ("sample", "sequences imagined by a run's model, as a picture"),
    "report": ("report", "write report.html of a finished or running run"),
    "data": ("data", "data sets: list, get, check"),
    "bench": ("bench", "speed and memory on this machine"),
    "gradients": ("gradients", "bias, variance and cost of gradient estimators: vestige gradients STRUCTURE"),
}


def usage() -> str:
    """The text of `vestige --help`."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {summary}" for name, (_, summary) in COMMANDS.items()]
    more = [
        "vestige COMMAND --help tells more.",
        "--plugin MODULE, with any command, adds the parts that a module registers.",
    ]
    return "\n".join(["usage: vestige COMMAND …", "", *lines, "", *more])


def dispatch(arguments: list[str]) -> int:
    """Run one command. **Raises:** `UsageError` for an unknown one, and what the command raises."""
    check_arguments(arguments)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if arguments[0] == "--version":
        from vestige import __version__

        print(f"vestige {__version__}")
        return 0
    name, *rest = plugged(arguments)
    if name not in COMMANDS:
        raise UsageError(f"unknown command '{name}'. {nearest(name, COMMANDS)}")
    command = importlib.import_module(f"vestige.cli.{COMMANDS[name][0]}")
    return command.main(rest)


def plugged(arguments: list[str]) -> list[str]:
    """The arguments without `--plugin MODULE`, whose modules are loaded.

    **Raises:** `UsageError` where a module does not import, or no module is named.
    """
    from vestige.registries import name_plugin

    left: list[str] = []
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name != "--plugin":
            left.append(word)
            continue
        module = value if equals else next(words, "")
        if not module or module.startswith("-"):
            raise UsageError("--plugin needs the name of a module that registers parts")
        if os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())  # a module beside the run, as python -m would find it
        name_plugin(module)
    return left


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM raises `KeyboardInterrupt` within the block, as SIGINT does: whatever has been begun is put away."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main(arguments: list[str] | None = None) -> None:
    """The `vestige` command. Exits with 0 done, 1 the run failed, 2 the command was wrong, 130 interrupted."""
    with streams.prepared() as output:
        try:
            with terminable():
                code = dispatch(sys.argv[1:] if arguments is None else arguments)
        except SystemExit as ended:  # of tyro, after a help or a wrong option
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except VestigeError as error:
            streams.say(f"vestige: {error}")
            code = error.exit_code
        except KeyboardInterrupt:
            streams.say("vestige: interrupted")
            code = 130
        except Exception as error:
            code = 1
            if error is not output.error:
                streams.say(f"vestige: {said_of(error)}")
        code = streams.finish(output, code)
    sys.exit(code)


def said_of(error: Exception) -> str:
    """What a person is told about an error that no part of Vestige has worded."""
    if os.environ.get("VESTIGE_TRACEBACK"):
        traceback.print_exc()
    detail = shown((str(error).strip().splitlines() or [""])[0], 300)
    if isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY):
        return f"there is not enough memory for these sizes; choose smaller ones, such as --batch-size ({detail})"
    return (
        f"{type(error).__name__}: {detail}\n"
        "This should have been a clear message; VESTIGE_TRACEBACK=1 shows where it arose."
    )
