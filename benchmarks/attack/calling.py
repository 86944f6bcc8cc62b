"""Call the command line in this process, with what costs time and is no part of a run folder kept from call to call."""

import contextlib
import functools
import io
from typing import Any, NamedTuple

CRASHES = ("Traceback (most recent call last)", "This should have been a clear message")
"""What a person must never see."""
INTERRUPTED = 130
"""The exit code of a command that was asked to stop: the attack stops too."""


class Called(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def crashed(self) -> bool:
        return any(word in self.said for word in CRASHES)


def call(*arguments: object) -> Called:
    """`vestige` with these arguments."""
    from vestige.cli import main

    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
            if code == INTERRUPTED:
                raise KeyboardInterrupt from ended
        except Exception as error:  # a crash is what is looked for
            print(f"{CRASHES[0]}: {type(error).__name__}: {error}", file=err)
            code = 1
    return Called(code or 0, out.getvalue(), err.getvalue())


def keep_programs() -> None:
    """Build each experiment once, so that its programs are traced once; files are read and written as ever."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from vestige.experiments.experiment import Experiment
    from vestige.runs import restoring
    from vestige.training import loop

    build, advance, start = Experiment.build, loop.make_advance, loop.start
    kept: dict[str, Any] = {}

    @functools.wraps(build)
    def once(self: Experiment, *, seed: int, dummy: bool = False, fitted: Any = None) -> Any:
        name = f"{self} {seed} {dummy} {fitted}"
        if name not in kept:
            kept[name] = build(self, seed=seed, dummy=dummy, fitted=fitted)
        return kept[name]

    @functools.wraps(advance)
    def programs(optimiser: Any, **how: Any) -> Any:
        name = f"{id(optimiser)} {how}"
        if name not in kept:
            kept[name] = (advance(optimiser, **how), optimiser)
        return kept[name][0]

    @functools.wraps(start)
    def started(model: Any, task: Any, **how: Any) -> Any:
        name = f"{id(model)} {id(task)} {[id(part) for part in how.values()]}"
        if name not in kept:
            kept[name] = (start(model, task, **how), model, task, how)
        return jax.tree.map(lambda leaf: jnp.copy(leaf) if eqx.is_array(leaf) else leaf, kept[name][0])

    loop.start = restoring.start = started
    Experiment.build = once  # pyright: ignore[reportAttributeAccessIssue]
    loop.make_advance = programs
