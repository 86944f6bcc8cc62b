"""What the suites are generated from."""

from collections.abc import Callable, Hashable

import pytest

from vestige.registries import registry
from vestige.spec import Spec


def cases(contract: str) -> list[tuple[str, Spec]]:
    """Every registered part of a contract, and the further examples of its class, with a name each."""
    found, classes = [], set()
    for name, spec in registry(contract).items():
        found.append((name, spec))
        if type(spec) not in classes:
            classes.add(type(spec))
            further = [example for example in type(spec).examples() if example != spec]
            found += [(f"{name}-example-{i}", example) for i, example in enumerate(further)]
    return found


def quick_first(known: list[tuple[str, Spec]], kind: Callable[[Spec], Hashable] = type) -> list:
    """The names as parameters: slow where an earlier one is of the same kind, by default of the same class, which it is
    with other options."""
    parameters, kinds = [], set()
    for name, spec in known:
        parameters.append(pytest.param(name, marks=[pytest.mark.slow] * (kind(spec) in kinds)))
        kinds.add(kind(spec))
    return parameters


def parametrised(contract: str) -> dict:
    """The arguments of a fixture over `cases`."""
    known = cases(contract)
    return {"params": [spec for _, spec in known], "ids": [name for name, _ in known]}
