"""Which estimators are measured."""

from vestige.errors import UsageError, nearest
from vestige.experiments.gradients.estimators import ESTIMATORS
from vestige.experiments.gradients.objectives import OBJECTIVES
from vestige.experiments.gradients.options import GradientOptions
from vestige.experiments.gradients.structures import STRUCTURES


def chosen(structure: str, options: GradientOptions, names: list[str] | None = None) -> tuple[list[str], list[str]]:
    """The estimators to be measured, and those that are left out because the structure does not allow them.

    **Raises:** `UsageError` for an unknown name, or one that does not go with the structure.
    """
    if structure not in STRUCTURES:
        raise UsageError(f"unknown structure '{structure}'. {nearest(structure, STRUCTURES)}")
    if options.objective not in OBJECTIVES:
        raise UsageError(f"unknown objective '{options.objective}'. {nearest(options.objective, OBJECTIVES)}")
    allowed = OBJECTIVES[options.objective].structures
    if structure not in allowed:
        raise UsageError(
            f"there is no objective '{options.objective}' for {structure}, only for {', '.join(sorted(allowed))}. "
            "Use linear or quadratic."
        )
    if structure != "subset" and options.k is not None:
        raise UsageError(f"--k is for subset; {structure} has no k")
    if structure == "subset" and not 1 <= options.subset_size <= options.n:
        raise UsageError(f"k must lie between 1 and n = {options.n}, got {options.k}")
    for name in names or []:
        if name not in ESTIMATORS:
            raise UsageError(f"unknown estimator '{name}'. {nearest(name, ESTIMATORS)}")
    wanted = [name for name in ESTIMATORS if names is None or name in names]
    here = [name for name in wanted if structure in ESTIMATORS[name].structures]
    if not here:
        raise UsageError(f"none of these estimators is defined for {structure}: {', '.join(wanted) or 'none given'}")
    return here, [name for name in wanted if name not in here]
