"""The rules of two directions as options: what is built of them."""

import dataclasses

import pytest

from vestige import rules
from vestige.estimators import MeanOfOthers, NoBaseline, RunningMean
from vestige.estimators.specs import MeanOfOthersSpec, NoBaselineSpec, RunningMeanSpec
from vestige.models.tied import PlainForward, VariancePropagation
from vestige.models.tied.specs import TiedPairSpec
from vestige.plain import from_plain, to_plain
from vestige.rules.spec import RuleSpec
from vestige.rules.tied.specs import (
    TWO_WAY_RULES,
    ExactLikelihoodSpec,
    HybridSpec,
    NVILSpec,
    ReweightedWakeSleepSpec,
    VIMCOSpec,
    WakeSleepSpec,
)

MODEL = TiedPairSpec()


def built(spec):
    return spec.build(MODEL, None)


def test_what_is_built():
    expected = {
        "wake-sleep": rules.WakeSleep,
        "rws": rules.ReweightedWakeSleep,
        "rws-guided": rules.ReweightedWakeSleep,
        "bihm": rules.BidirectionalHelmholtz,
        "nvil": rules.NVIL,
        "vimco": rules.VIMCO,
        "hybrid": rules.Hybrid,
        "exact": rules.ExactLikelihood,
    }
    assert {name: type(built(spec)) for name, spec in TWO_WAY_RULES.items()} == expected
    for spec in TWO_WAY_RULES.values():
        assert from_plain(RuleSpec, to_plain(spec), where="x") == spec


@pytest.mark.parametrize("kind", [WakeSleepSpec, ReweightedWakeSleepSpec])
def test_labels_take_part_by_a_gain(kind):
    rule = built(kind(gain=0.2, real=0.25, reading=1.5))
    assert isinstance(rule.proposal, rules.Guided) and rule.proposal.gain == 0.2
    assert (rule.real, rule.reading) == (0.25, 1.5)
    assert isinstance(built(kind()).proposal, rules.Upward)


def test_other_options_reach_the_rule():
    assert built(dataclasses.replace(TWO_WAY_RULES["rws"], samples=7)).samples == 7
    assert built(dataclasses.replace(TWO_WAY_RULES["bihm"], samples=7)).samples == 7
    assert built(VIMCOSpec(7)).samples == 7
    assert built(ExactLikelihoodSpec(0.5)).real == 0.5
    nvil = built(NVILSpec(RunningMeanSpec(2.0), 3, 0.2, None, False))
    assert isinstance(nvil.baseline, RunningMean) and nvil.baseline.value == 2.0
    assert (nvil.samples, nvil.rate, nvil.decay, nvil.local) == (3, 0.2, None, False)
    assert isinstance(built(NVILSpec(NoBaselineSpec())).baseline, NoBaseline)
    assert isinstance(built(NVILSpec(MeanOfOthersSpec(), 2)).baseline, MeanOfOthers)
    hybrid = built(HybridSpec(3.0, "ap2", 4))
    assert hybrid.weight == 3.0 and isinstance(hybrid.recognition, VariancePropagation)
    assert isinstance(hybrid.rule, rules.ReweightedWakeSleep) and hybrid.rule.samples == 4
    plain = built(TWO_WAY_RULES["hybrid"])
    assert plain.weight == 10.0 and isinstance(plain.recognition, PlainForward)
    assert isinstance(plain.rule, rules.WakeSleep)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReweightedWakeSleepSpec(samples=0), "samples must be at least 1, got 0"),
        (lambda: VIMCOSpec(1), "samples must be at least 2, got 1"),
        (lambda: ReweightedWakeSleepSpec(real=2.0), r"real must be in \[0, 1\], got 2.0"),
        (lambda: WakeSleepSpec(gain=-1.0), "gain must be at least 0, got -1.0"),
        (lambda: NVILSpec(decay=1.0), r"decay must be in \[0, 1\), got 1.0"),
        (lambda: NVILSpec(MeanOfOthersSpec()), "samples must be at least 2 with this baseline, got 1"),
        (lambda: HybridSpec(-1.0), "weight must be at least 0, got -1.0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
