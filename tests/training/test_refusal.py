"""A check's `ValueError` is a refusal; a fault stays a fault."""

import types

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.tasks.longterm.draws import at_least
from vestige.training.refusal import Refused, refusals


def check():
    raise ValueError("ours")


def somebody(name):
    """A function in a package of that name that refuses."""
    module = types.ModuleType(name)
    exec("def check():\n    raise ValueError('theirs')\nclass Part: pass", vars(module))
    return module


@pytest.mark.parametrize(
    "refuse",
    [lambda: at_least(3, "X", size=2), eqx.filter_jit(lambda: at_least(3, "X", size=2))],
    ids=["plain", "traced"],
)
def test_what_vestige_checks_is_a_refusal(refuse):
    with pytest.raises(Refused, match="size") as caught, refusals():
        refuse()
    assert type(caught.value.__cause__) is ValueError


def test_so_is_what_a_part_of_another_package_checks():
    package = somebody("somebody.parts")
    with pytest.raises(Refused, match="theirs"), refusals(package.Part()):
        package.check()
    for parts in ((), (somebody("nobody").Part(),)):
        with pytest.raises(ValueError, match="theirs") as caught, refusals(*parts):
            package.check()
        assert type(caught.value) is ValueError


class Ours:
    """A part of this package, so that its functions count as ours."""


FAULTS = {
    "built-in": lambda: list(zip([1], [], strict=True)),
    "unpacking": lambda: (lambda one, two: None)(*np.reshape([1, 2, 3], (2, 2))),
    "numpy": lambda: np.zeros(3) + np.zeros(2),
    "jax": lambda: jnp.reshape(jnp.zeros(3), (2, 2)),
    "conversion": lambda: int("three"),
    "decoding": lambda: b"\xff".decode(),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_stays_what_it_is(fault):
    with pytest.raises((ValueError, TypeError)) as caught, refusals(Ours()):
        FAULTS[fault]()
    assert not isinstance(caught.value, Refused)


def test_a_refusal_inside_another_is_said_once():
    with pytest.raises(Refused) as caught, refusals(), refusals(Ours()):
        check()
    assert str(caught.value) == "ours" and type(caught.value.__cause__) is ValueError
