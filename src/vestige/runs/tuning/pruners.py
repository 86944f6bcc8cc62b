"""How a trial that promises little is ended early."""

from typing import Any

from vestige.runs.tuning.place import need_optuna

PRUNERS = ("median", "halving", "none")


def pruner_of(name: str, *, steps: int, num_evals: int) -> Any:
    """Optuna's pruner.

    **Arguments:**

    - `name`: one of `PRUNERS`. median: worse than the median of the others at the same update, after a quarter of the
      updates and five trials. halving: successive halving, from the first evaluation on.
    - `steps`: updates of a trial. `num_evals`: how many times it is evaluated meanwhile.
    """
    pruners = need_optuna().pruners
    if name == "median":
        return pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=steps // 4)
    if name == "halving":
        return pruners.SuccessiveHalvingPruner(min_resource=max(steps // num_evals, 1), reduction_factor=3)
    return pruners.NopPruner()
