"""The command line; thin. Each command is a module that is imported only when it is called.

Nothing is imported before `main` is called: from then on Ctrl-C is answered in words.
"""

import os
import sys

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
    "verify": ("verify", "whether a run folder is what was written into it; --repair sets aside what is damaged"),
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
    import importlib

    from vestige.cli.arguments import check_arguments
    from vestige.errors import UsageError, nearest

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
    from vestige.errors import UsageError
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


def main(arguments: list[str] | None = None) -> None:
    """The `vestige` command. Exits with 0 done, 1 the run failed, 2 the command was wrong, 130 interrupted."""
    try:
        code = answered(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # before anything could listen
        code = interrupted()
    sys.exit(code)


def interrupted() -> int:
    """Say that the command was interrupted; the exit code."""
    exec("")  # Python notes an interrupt inside an exec for good, and would end by the signal, not with our exit code
    print("vestige: interrupted", file=sys.stderr, flush=True)
    return 130


def answered(arguments: list[str]) -> int:
    """The exit code of a command, with what it raised said in a sentence. Signals are answered while it compiles."""
    from vestige.cli import streams
    from vestige.errors import VestigeError
    from vestige.training.stopping import Stoppable

    sys.unraisablehook = _without_interrupts
    stop = Stoppable(_say_ended)
    code: int | None = None
    with streams.prepared() as output:
        try:
            with stop:
                code = dispatch(arguments)
        except SystemExit as ended:  # of tyro, after a help or a wrong option
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except VestigeError as error:
            streams.say(f"vestige: {error}")
            code = error.exit_code
        except KeyboardInterrupt:
            pass
        except Exception as error:
            if stop.received is None:
                code = 1
                if error is not output.error:
                    streams.say(f"vestige: {said_of(error)}")
        done = streams.finish(output, interrupted() if code is None else code)
    if code is None:
        stop.depart()
    return done


def said_of(error: Exception) -> str:
    """What a person is told about an error that no part of Vestige has worded."""
    from vestige.errors import shown

    if os.environ.get("VESTIGE_TRACEBACK"):
        import traceback

        traceback.print_exc()
    detail = shown((str(error).strip().splitlines() or [""])[0], 300)
    if isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY):
        return f"there is not enough memory for these sizes; choose smaller ones, such as --batch-size ({detail})"
    return (
        f"{type(error).__name__}: {detail}\n"
        "This should have been a clear message; VESTIGE_TRACEBACK=1 shows where it arose."
    )


def _say_ended(name: str) -> None:
    """Before a process ends that could not be interrupted: straight to the terminal, whose cursor may be hidden."""
    if sys.stdout.isatty():
        os.write(1, b"\x1b[?25h\n")
    text = f"vestige: interrupted ({name} came while a program was compiled; every file that was written is whole)\n"
    os.write(2, text.encode())


def _without_interrupts(unraisable: "sys.UnraisableHookArgs") -> None:
    """An interrupt that came where nothing can be raised is answered all the same, and needs no traceback."""
    if unraisable.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(unraisable)
