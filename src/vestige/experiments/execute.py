"""One run of the catalogue, from options to a finished folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jax.sharding import Mesh

from vestige.errors import UsageError
from vestige.experiments.construct import construct
from vestige.experiments.contract import AbstractOptions
from vestige.experiments.entry import Entry
from vestige.experiments.evaluate import evaluate, write_evaluation
from vestige.experiments.folder import RESULTS, prepare, read_json, write_json
from vestige.experiments.record import Recorded, describe
from vestige.models.temporal import count_parameters
from vestige.training import Cadence, Run, fit
from vestige.training.measure import peak_resident_bytes
from vestige.training.progress import AbstractProgress, Silent


def execute(
    entry: Entry[Any],
    options: AbstractOptions,
    *,
    preset: str,
    seed: int,
    folder: Path,
    command: str,
    resume: bool = False,
    skip_nonfinite: bool = False,
    mesh: Mesh | None = None,
    progress: Callable[[], AbstractProgress] | None = None,
) -> dict[str, Any]:
    """Train, evaluate, and fill the run folder; with `resume` go on where it stopped, or return at once
    where it is finished.

    **Returns:** what `results.json` holds.

    **Raises:** `UsageError`, `RunError`, `Interrupted` as `fit` and `prepare` do.
    """
    config = describe(entry, options, preset=preset, seed=seed, command=command)
    if resume and (folder / RESULTS).exists():
        prepare(folder, config, resume=True)
        return read_json(folder / RESULTS)
    built = construct(options, seed=seed)
    config["parameters"] = count_parameters(built.model)
    prepare(folder, config, resume=resume)
    cadence = Cadence(
        log_every=max(options.steps // 100, 1),
        checkpoint_every=max(options.steps // 10, 1),
        evaluate_every=max(options.steps // options.evaluations, 1),
        evaluation_size=options.evaluation_size,
    )
    shown = Silent() if progress is None else progress()
    try:
        result = fit(
            built.model,
            built.task,
            rule=built.rule,
            optimiser=built.optimiser,
            steps=options.steps,
            key=built.key,
            batch_size=options.batch,
            run=Run(folder, fingerprint=Recorded(entry, options, seed).identity),
            cadence=cadence,
            mesh=mesh,
            skip_nonfinite=skip_nonfinite,
            progress=shown,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    peak = peak_resident_bytes()  # of training alone
    shown.note("trained; judging what was learned")
    results, arrays = evaluate(entry, options, built, result.model)
    results |= {
        "seconds": round(result.seconds, 1),
        "first_update_seconds": round(result.first_update_seconds, 2),
        "milliseconds": round(1e3 * result.update_seconds, 3),
        "peak_rss_bytes": peak,
        "updates": options.steps,
        "skipped": int(result.state.skipped),
        "parameters": config["parameters"],
        "command": command,
        "versions": config["versions"],
        "device": config["device"],
        "seed": seed,
    }
    write_evaluation(folder, arrays)
    write_json(folder / RESULTS, results)
    return results
