"""Ranges that `vestige tune` searches: every declared one lies within what its option may be."""

import dataclasses

import pytest

from vestige.registries import CONTRACTS, registry
from vestige.search import AbstractRange, Choices, Integers, Reals, declared

DECLARED = {
    (contract, name, option): (spec, over)
    for contract in CONTRACTS
    if contract not in ("experiment", "metric")
    for name, spec in registry(contract).items()
    if dataclasses.is_dataclass(spec)
    for option, over in declared(spec)
    if "." not in option
}


@pytest.mark.parametrize(("contract", "name", "option"), DECLARED, ids=lambda word: word)
def test_declared_ranges_are_possible_and_hold_the_default(contract, name, option):
    spec, over = DECLARED[contract, name, option]
    assert getattr(spec, option) in over
    for end in over.ends():
        assert getattr(dataclasses.replace(spec, **{option: end}), option) == end


def test_the_rate_of_every_scheduled_optimiser_is_searched_over_decades():
    for name in ("adam", "muon", "two-rates"):
        over = dict(declared(registry("optimiser")[name]))["rate"]
        assert isinstance(over, Reals) and over.log and over.high / over.low >= 30
    assert "optimiser.memory.rate" in dict(declared(registry("experiment")["tmaze"].preset("small")))


@pytest.mark.parametrize("entry", registry("experiment").values(), ids=lambda entry: entry.name)
def test_ranges_are_possible_in_every_experiment(entry):
    experiment = entry.preset("small")
    for name, over in declared(experiment):
        for end in over.ends():
            experiment.replace(name, end).check()


@pytest.mark.parametrize(
    ("over", "inside", "outside", "text", "wider"),
    [
        (Reals(0.1, 1.0, log=True), 0.5, 2.0, "0.1:1:log", Reals(0.1, 2.0, log=True)),
        (Reals(-1, 1), 0, 1.5, "-1:1", Reals(-1, 1.5)),
        (Integers(2, 8), 8, 9, "2:8", Integers(2, 9)),
        (Choices(("a", "b")), "b", "c", "a,b", Choices(("c", "a", "b"))),
    ],
)
def test_a_range_holds_widens_and_is_typed(over, inside, outside, text, wider):
    assert inside in over and outside not in over and None not in over and True not in over
    assert str(over) == text
    assert over.including(inside) == over and over.including(outside) == wider


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Reals(1.0, 1.0), "low must be less than high, got 1.0 and 1.0"),
        (lambda: Integers(8, 2, log=True), "low must be less than high"),
        (lambda: Reals(0.0, 1.0, log=True), "low must be positive where logarithms are searched, got 0.0"),
        (lambda: Choices(()), "at least one"),
    ],
)
def test_a_range_that_is_none_is_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_values_that_cannot_lie_in_a_range_leave_it_as_it_is():
    for over in (Reals(0.1, 1.0, log=True), Integers(1, 3, log=True)):
        assert isinstance(over, AbstractRange)
        for value in (None, "x", 0):
            assert over.including(value) == over


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "1"])
def test_what_is_no_finite_number_widens_nothing(value):
    for over in (Reals(0.5, 2.0), Integers(1, 1_000_000)):
        assert value not in over and over.including(value) == over
    assert str(Integers(1, 1_000_000)) == "1:1000000"


def test_ends_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="low and high must be finite, got 1.0 and inf"):
        Reals(1.0, float("inf"))
