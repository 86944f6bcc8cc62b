"""The one training loop. It knows neither what a model is for nor where a gradient comes from."""

import re
import statistics
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh

from vestige.errors import RunError
from vestige.rules import AbstractRule
from vestige.tasks import AbstractTask
from vestige.tasks.evaluation import evaluate, scalars
from vestige.training.best import Best
from vestige.training.callbacks import AbstractCallback, CallbackFailed, Observers
from vestige.training.checkpoints import Checkpoints
from vestige.training.early_stopping import EarlyStopping
from vestige.training.host_reads import refuse_host_reads
from vestige.training.interrupts import Interrupted, Interrupts
from vestige.training.progress import AbstractProgress, Logged
from vestige.training.refusal import Refused, refusals
from vestige.training.run import Cadence, Run, alone
from vestige.training.saving import Saver
from vestige.training.sinks import AbstractSink, Record, read_records
from vestige.training.state import RunState, Traced, start
from vestige.training.team import AbstractTeam, Alone, local
from vestige.training.update import Program, make_advance, name_nonfinite
from vestige.typing import Key

CHUNK_SECONDS = 0.5  # how long one compiled call may take: the delay of a signal or a progress line
SHOWN = ("negative_bound", "loss")  # training means worth a place on the progress line
EVALUATION_STREAM = 2**32 - 1  # an update that never comes, so that evaluations share no randomness with training


class Fit(NamedTuple):
    """What a run leaves behind."""

    model: Any
    state: RunState
    history: list[Record]
    """The log of this call: training means and evaluations, in order."""
    seconds: float
    """Wall time, earlier parts of a resumed run included."""
    first_update_seconds: float
    """From the call to the end of the first update, compilation included."""
    update_seconds: float
    """Median over the compiled chunks after the first of this call's seconds per update; 0 where there was none."""
    stopped: str = ""
    """Why it ended before its last update, a sentence; empty where it did not."""


def fit(
    model: eqx.Module,
    task: AbstractTask,
    *,
    rule: AbstractRule,
    optimiser: optax.GradientTransformation,
    steps: int,
    key: Key,
    batch_size: int = 32,
    run: Run | None = None,
    cadence: Cadence | None = None,
    mesh: Mesh | None = None,
    skip_nonfinite: bool = False,
    progress: AbstractProgress | None = None,
    sinks: Sequence[AbstractSink] = (),
    callbacks: Sequence[AbstractCallback] = (),
    stopping: EarlyStopping | None = None,
    team: AbstractTeam | None = None,
) -> Fit:
    """Train `model` on `task` by `rule` for `steps` updates.

    Rule and optimiser are compiled together, once. With a `run` folder, metrics and checkpoints are written,
    a state found there is continued, and the result is bit for bit that of a run never interrupted (same
    machine, same build). Without one nothing touches the disk.

    **Main arguments:**

    - `model`: an Equinox module; its floating-point arrays are trained. Its own arrays stay valid.
    - `task`, `rule`, `optimiser` (optax), `steps`, `key`.

    **Other arguments:**

    - `batch_size`: examples per update, over all devices together.
    - `cadence`: how often to log, evaluate and checkpoint.
    - `mesh`: spreads the batch over all axes of a JAX mesh and replicates the rest. The update is that of one
      device up to the order of sums.
    - `skip_nonfinite`: go on without an update that is not finite, and count it, instead of stopping.
    - `progress`: what is notified; by default the logger "vestige", which prints nothing unless it is configured.
    - `sinks`: also receive every line of the log, and are closed at the end. One that fails is left out, with a notice.
    - `callbacks`: follow the run and may end it; their errors end it at a checkpoint.
    - `stopping`: end where a metric gets no better; the model then is that of the best evaluation, also where the last
      update is reached. Its state follows from the log, so a resumed run stops where an uninterrupted one does. It
      costs one more copy of the model.
    - `team`: the processes that make this run together; by default this one alone. Every process calls `fit` with the
      same arguments. The batch is spread over the devices of all, the leader alone writes log and checkpoint manifests
      and evaluates, `sinks` and `callbacks` are those of the leader, and every process returns the same model.

    **Raises:** `Refused`, a `ValueError`, for a batch that does not divide over the mesh and for what model, task and
    rule refuse when they meet; `RunError` where an update is not finite (names step and leaves), where a file that is
    read on the way is at fault (names file and step) or the folder cannot be written or was taken over; `UsageError`
    where the folder's state belongs to another configuration, or another process writes into it; `Interrupted` on
    SIGINT, SIGTERM, SIGHUP or SIGUSR1, after writing a checkpoint.

    Memory: the state is donated from call to call, so there is one copy of it beside the rule's own needs.
    """
    progress = Logged() if progress is None else progress
    cadence = Cadence() if cadence is None else cadence
    if steps < 0:
        raise Refused(f"steps must not be negative, got {steps}")
    if not isinstance(optimiser, optax.GradientTransformation):  # of another library: its two functions
        optimiser = optax.GradientTransformation(optimiser.init, optimiser.update)
    team = Alone() if team is None else team
    mesh = team.mesh() if mesh is None else mesh
    if mesh is not None and batch_size % mesh.size:
        below = batch_size - batch_size % mesh.size
        near = " or ".join(str(size) for size in (below, below + mesh.size) if size)
        raise Refused(f"batch_size {batch_size} does not divide over the {mesh.size} devices of the mesh; take {near}")
    parts = {"rule": rule, "optimiser": optimiser, "steps": steps, "key": key, "batch_size": batch_size, "mesh": mesh}
    with alone(run if team.leads else None, progress.note) as held:
        run = held if team.leads else run
        observers = Observers(sinks if team.leads else (), callbacks if team.leads else (), progress.note)
        options = {"cadence": cadence, "skip_nonfinite": skip_nonfinite, "progress": progress, "team": team}
        try:
            found = _fitted(model, task, **parts, **options, run=run, observers=observers, stopping=stopping)
        finally:
            observers.close()
    observers.queue("on_end", found)
    observers.notify(int(found.state.step))
    return found


def _fitted(
    model: eqx.Module,
    task: AbstractTask,
    *,
    rule: AbstractRule,
    optimiser: optax.GradientTransformation,
    steps: int,
    key: Key,
    batch_size: int,
    run: Run | None,
    cadence: Cadence,
    mesh: Mesh | None,
    skip_nonfinite: bool,
    progress: AbstractProgress,
    observers: Observers,
    stopping: EarlyStopping | None,
    team: AbstractTeam,
) -> Fit:
    """`fit`, alone in the folder."""
    began = time.monotonic()
    program = Program(task, rule, optimiser)
    traced = Traced()
    with refusals(model, task, rule):
        state = start(model, task, rule=rule, optimiser=optimiser, batch_size=batch_size, key=key, traced=traced)
    refuse_host_reads(team, program, state, batch_size)
    if mesh is not None:
        program, state = _placed(program, state, mesh, team)
        traced = None  # a step on one device is another one
    saver = Saver(run, team, note=progress.note, observers=observers)
    state = saver.restore(state)
    step = int(state.step)
    records = team.shared(lambda: read_records(run.folder / "metrics.jsonl") if run is not None and stopping else [])
    best = Best(stopping, saver.checkpoints, records)
    if notice := best.restore(state, step):
        progress.note(notice)
    options = {"batch_size": batch_size, "skip_nonfinite": skip_nonfinite, "mesh": mesh, "traced": traced}
    advance = make_advance(**options)
    history: list[Record] = []
    newest: dict[str, float] = {}
    chunk, first_update, evaluated = 1, 0.0, False
    pace: list[float] = []
    ended_by = ""

    def record(kind: str, values: dict[str, float]) -> None:
        entry = {"kind": kind, "step": step, "seconds": saver.seconds + time.monotonic() - began, **values}
        history.append(entry)
        saver.log(entry)
        observers.write(entry)

    progress.start(steps, step)
    try:
        with Interrupts() as interrupts:
            while step < steps and not best.exhausted:
                asked = time.monotonic()
                count = team.shared(lambda: min(chunk, cadence.next_stop(step, steps) - step))  # noqa: B023
                state, halted = advance((program, jnp.asarray(count, jnp.int32)), state)
                interrupts.hold(run is not None)
                done, step = int(state.step) - step, int(state.step)
                took = time.monotonic() - asked
                if not first_update:
                    first_update = time.monotonic() - began
                    progress.note(f"first update after {first_update:.1f} s")
                else:
                    pace.extend([took / done] if done else [])
                    if done == chunk:
                        chunk = max(1, min(2 * chunk, round(chunk * CHUNK_SECONDS / max(took, 1e-9))))
                if bool(halted):
                    here = Program(task, rule, optimiser), local(state)
                    named = ", ".join(name_nonfinite(*here, batch_size)[:6]) or "the new parameters"
                    raise RunError(
                        f"update {step} is not finite: {named}. Nothing was changed by it. Lower the learning "
                        "rate or the clip, or pass --on-nonfinite skip to count such updates and go on."
                    )
                if step % cadence.log_every == 0 or step == steps:
                    values = _means(state)
                    record("train", values)
                    observers.queue("on_log", history[-1])
                    newest |= {f"train {name}": values[name] for name in SHOWN if name in values}
                    state = _cleared(state)
                improved = False
                if cadence.evaluate_every and (step % cadence.evaluate_every == 0 or step == steps):
                    interrupts.hold(run is not None and evaluated)  # compiling the first may be cut short
                    progress.phase("evaluating")
                    values = team.shared(lambda: _evaluated(task, local(state), cadence))  # noqa: B023
                    record("evaluate", values)
                    observers.queue("on_evaluation", history[-1], local(state.model))
                    improved = best.see(history[-1], state.model)
                    evaluated = True
                    interrupts.hold(run is not None)
                    newest |= values
                if step == steps or best.exhausted:
                    state = best.into(state)
                last = step == steps or best.exhausted
                if step % cadence.checkpoint_every == 0 or last or improved:
                    wait = last or stopping is not None
                    if wait:
                        progress.phase("writing")
                    saver.save(state, step, wait=wait)
                else:
                    saver.poll()
                progress.update(step, newest)
                try:
                    ended_by = team.shared(lambda: observers.notify(step))  # noqa: B023
                except CallbackFailed:
                    saver.save(state, step)
                    raise
                if ended_by:
                    saver.save(state, step)
                    break
                pending = next(filter(None, team.gathered(interrupts.pending)), None)
                if pending and step < steps:
                    saver.save(state, step)
                    where = "" if run is None else f"; a checkpoint is in {run.folder / 'checkpoints'}"
                    raise Interrupted(f"stopped by {pending} after update {step}{where}")
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        saver.settle()
        if message := _said_by_host(error):
            raise RunError(f"{message}. {_way_on(saver.checkpoints, 'put the file right and go')}") from None
        if message := team.lost(error):
            raise RunError(f"{message}. {_way_on(saver.checkpoints, 'go')}") from None
        raise
    finally:
        saver.close()
        progress.stop()
    update_seconds = statistics.median(pace) if pace else 0.0
    seconds = saver.seconds + time.monotonic() - began
    stopped = best.sentence() if best.exhausted else ""
    if ended_by and step < steps and not stopped:
        stopped = f"stopped by callback {ended_by} after update {step}"
    if stopped:
        progress.note(stopped)
    state = local(state)
    return Fit(state.model, state, history, seconds, first_update, update_seconds, stopped)


def _placed(program: Program, state: RunState, mesh: Mesh, team: AbstractTeam) -> tuple[Program, RunState]:
    """Whole on every device of the mesh, and in every process the state of the leader. Data are each process's own."""
    return Alone().spread(program, mesh), team.spread(state, mesh)


def _evaluated(task: AbstractTask, state: RunState, cadence: Cadence) -> dict[str, float]:
    key = jax.random.fold_in(state.key, EVALUATION_STREAM)
    return scalars(evaluate(task, state.model, cadence.evaluation_size, key=key))


def _said_by_host(error: Exception) -> str | None:
    """The message of a RunError raised on the host inside a compiled call, out of the report JAX makes of it."""
    found = re.search(r"\bRunError: (.+)", str(error))
    return found and found[1].strip()


def _way_on(checkpoints: Checkpoints | None, fix: str) -> str:
    if checkpoints is None:
        return "There is no run folder, so nothing of this run is kept."
    if not checkpoints.steps():
        return "No checkpoint had been written yet."
    newest = checkpoints.folder / str(checkpoints.steps()[0])
    return (
        f"The newest checkpoint, {newest}, is intact: {fix} on from there with --resume (from "
        "Python: call fit again with the same folder)"
    )


def _means(state: RunState) -> dict[str, float]:
    counted = int(state.counted)
    values = {name: total / counted for name, total in scalars(state.totals).items()} if counted else {}
    return {**values, "skipped": float(state.skipped)}


def _cleared(state: RunState) -> RunState:
    return eqx.tree_at(
        lambda s: (s.totals, s.counted),
        state,
        (jax.tree.map(jnp.zeros_like, state.totals), jnp.zeros_like(state.counted)),
    )
