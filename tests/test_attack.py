"""A sample of the attack on the command line, `benchmarks/attack/inputs.py`, in this process."""

import os
import random
import sys
from pathlib import Path

import pytest

ATTACK = Path(__file__).parent.parent / "benchmarks" / "attack"
SAMPLES = {
    "whole numbers": 6,
    "real numbers": 5,
    "settings": 10,
    "names": 30,
    "recordings": 15,
    "streams": 8,
    "run folders": 8,
    "data sets": 12,
    "suites": 6,
}
"""How many inputs of each family; plugins stay out, since a plugin cannot be taken back."""
FAST = ("whole numbers", "recordings")


@pytest.fixture(scope="module")
def attack():
    """The modules of the attack, and all its cases."""
    sys.path.insert(0, str(ATTACK))
    try:
        import cases
        import inputs

        yield inputs, cases.cases(0)
    finally:
        sys.path.remove(str(ATTACK))


@pytest.mark.parametrize(
    "family", [pytest.param(name, marks=[pytest.mark.slow] * (name not in FAST)) for name in SAMPLES], ids=list(SAMPLES)
)
def test_what_is_malformed_is_refused(family, attack, tmp_path, monkeypatch):
    inputs, known = attack
    monkeypatch.setattr(inputs, "BYTES", 2**60)  # the peak of this process is that of all tests
    for module, name in (
        ("vestige.runs.execution", "execute"),
        ("vestige.runs.executors.local.LocalProcesses", "run"),
        ("vestige.experiments.gradients.laboratory", "laboratory"),
        ("vestige.cli.bench", "_first_update"),
    ):
        monkeypatch.setattr(f"{module}.{name}", None)  # to be put back
    inputs.cut_off()
    monkeypatch.setenv("VESTIGE_COMPILATION_CACHE", "off")
    refused = [case for case in known if case.family == family and case.wrong]
    bad = []
    for number, case in enumerate(random.Random(1).sample(refused, SAMPLES[family])):
        folder = tmp_path / str(number)
        folder.mkdir()
        found, said = inputs.attempt(case, folder)
        if found not in inputs.GOOD:
            bad.append(f"{found}: {case.what!r}: {' '.join(case.arguments)!r:.200}: {said:.300}")
    assert not bad, "\n".join(bad)
    assert os.getcwd() != str(tmp_path)


def test_the_attack_is_of_a_thousand_inputs_and_repeats_itself(attack):
    from cases import cases

    known = attack[1]

    assert len(known) >= 1000
    assert [(case.what, case.arguments) for case in cases(0)] == [(case.what, case.arguments) for case in known]
    assert [(case.what, case.arguments) for case in cases(1)] != [(case.what, case.arguments) for case in known]


def test_the_attack_tells_outcomes_apart(attack):
    outcome = attack[0].outcome
    assert outcome(2, "vestige: no", wrong=True) == "refused"
    assert outcome(None, "", wrong=False) == outcome(0, "", wrong=False) == "accepted"
    assert outcome(0, "", wrong=True) == "wrong"
    assert outcome(1, "Traceback (most recent call last):\n", wrong=True) == "traceback"
    assert outcome(1, "This should have been a clear message", wrong=True) == "unclear"
    assert outcome(1, "vestige: no", wrong=True) == outcome(2, "", wrong=True) == "unclear"
    assert outcome(2, "x" * 2001, wrong=True) == outcome(2, "\x1b[2J", wrong=True) == "long"
