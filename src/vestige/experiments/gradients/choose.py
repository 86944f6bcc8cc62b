"""Which estimators are measured."""

from vestige.errors import UsageError, nearest
from vestige.experiments.gradients.objectives import OBJECTIVES, toys
from vestige.experiments.gradients.options import GradientOptions
from vestige.plain import name_of
from vestige.registries import registry
from vestige.structures.specs import StructureSpec


def chosen(
    structure: StructureSpec, options: GradientOptions, names: list[str] | None = None
) -> tuple[list[str], list[str]]:
    """The registered estimators to be measured, and those that are left out because the structure does not allow them.

    **Arguments:**

    - `structure`: whose gradients are estimated.
    - `options`: of the laboratory.
    - `names`: registered estimators; None: all.

    **Raises:** `UsageError` for an unknown name, or one that does not go with the structure.
    """
    known = registry("estimator")
    if options.objective not in OBJECTIVES:
        raise UsageError(f"unknown objective '{options.objective}'. {nearest(options.objective, OBJECTIVES)}")
    if options.objective == "toy" and type(structure) not in toys():
        those = ", ".join(sorted(name_of(kind()) for kind in toys()))
        raise UsageError(
            f"there is no objective 'toy' for {name_of(structure)}, only for {those}. Use linear or quadratic."
        )
    for name in names or []:
        known.find(name)
    asked = None if names is None else {known.canonical(name) for name in names}
    wanted = [name for name in known if asked is None or name in asked]
    here = [name for name in wanted if not known[name].needs or known[name].needs in structure.provides]
    if not here:
        raise UsageError(
            f"none of these estimators is defined for {name_of(structure)}: {', '.join(wanted) or 'none given'}"
        )
    return here, [name for name in wanted if name not in here]
