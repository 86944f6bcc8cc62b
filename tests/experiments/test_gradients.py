"""The laboratory of gradient estimators, on the smallest structures."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.errors import UsageError
from vestige.estimators.specs import ESTIMATORS
from vestige.experiments.gradients import OBJECTIVES, GradientOptions, chosen
from vestige.experiments.gradients.laboratory import laboratory
from vestige.experiments.gradients.objectives import toys
from vestige.experiments.gradients.problem import problem
from vestige.structures.exact import all_winners
from vestige.structures.specs import STRUCTURES, BinaryTreeSpec, CategoricalSpec, MatchingSpec, PermutationSpec

QUICK = {"samples": 4000, "blocks": 4, "critic_steps": 20}
NAMES = ["leave-one-out", "without-replacement", "relax", "biased-relaxation"]


@pytest.fixture(scope="module")
def found():
    return laboratory(CategoricalSpec(3), GradientOptions(draws=2, **QUICK), NAMES)


@pytest.mark.slow
def test_the_unbiased_are_within_four_errors_and_the_biased_is_not(found):
    assert found.reference.traces == 3
    for name, quality in found.estimators.items():
        assert quality.biased == name.startswith("biased")
        assert quality.deviates == quality.biased, name
        assert quality.variance > 0 and -1 <= quality.cosine <= 1 and quality.milliseconds > 0


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers_whichever_others_are_measured(found):
    again = laboratory(CategoricalSpec(3), GradientOptions(draws=2, **QUICK), ["leave-one-out"])
    one, other = found.estimators["leave-one-out"], again.estimators["leave-one-out"]
    assert (one.bias, one.variance, one.cosine) == (other.bias, other.variance, other.cosine)


@pytest.mark.slow
def test_without_listing_the_reference_is_leave_one_out(monkeypatch):
    options, structure = GradientOptions(**QUICK), PermutationSpec(3)
    exact = laboratory(structure, options, ["leave-one-out"])
    monkeypatch.setattr("vestige.structures.exact.LIMIT", 1)
    estimated = laboratory(structure, options, ["leave-one-out"])
    assert exact.reference.traces == 6 and estimated.reference.traces is None
    off = np.linalg.norm(exact.reference.gradient - estimated.reference.gradient)
    assert 0 < off < 4 * estimated.reference.error
    assert "leave-one-out with 400,000 draws" in str(estimated.reference)
    assert not estimated.estimators["leave-one-out"].deviates


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.few(1)
def test_every_structure_and_objective_makes_a_problem(name):
    structure = type(STRUCTURES[name])(3)
    for objective in OBJECTIVES:
        if objective != "toy" or type(structure) in toys():
            here = problem(structure, GradientOptions(objective=objective))
            drawn = here.make(here.point).sample(key=jax.random.key(0))
            assert np.isfinite(here.fn(drawn.value))
    assert structure.least_traces <= len(all_winners(here.make(here.point)))


def test_the_losses_of_the_paper():
    def cost(structure, value):
        here = problem(type(STRUCTURES[structure])(3), GradientOptions(objective="toy"))
        return float(here.fn(jnp.array(value, jnp.float32)))

    assert cost("matching", np.eye(3)) == -3
    assert cost("binary-tree", [[0, 1, 0], [0, 0, 1], [0, 0, 0]]) == -3  # a chain
    assert cost("binary-tree", [[0, 0, 0], [1, 0, 1], [0, 0, 0]]) == -2
    assert cost("arborescence", [[0, 1, 1], [0, 0, 0], [0, 0, 0]]) == -2
    assert cost("spanning-tree", [[0, 1, 0], [1, 0, 1], [0, 1, 0]]) == 1


@pytest.mark.slow
def test_estimators_that_differ_in_arrays_alone_share_a_program():
    here = laboratory(CategoricalSpec(3), GradientOptions(**QUICK), ["relax", "relax-untrained"]).estimators
    assert here["relax"].compile_seconds == here["relax-untrained"].compile_seconds
    assert here["relax"].variance != here["relax-untrained"].variance


def test_what_does_not_apply_is_left_out():
    here, out = chosen(MatchingSpec(), GradientOptions())
    sets = ["leave-one-out-set", "relax-set"]
    assert out == [sets[0], "without-replacement", sets[1]]
    assert set(here) | set(out) == set(ESTIMATORS)
    biased = [name for name in ESTIMATORS if name.startswith("biased")]
    assert set(chosen(BinaryTreeSpec(), GradientOptions())[1]) == {*out, *biased}
    with pytest.raises(UsageError, match="none of these estimators is defined for matching"):
        chosen(MatchingSpec(), GradientOptions(), ["without-replacement"])


def test_options_do_not_import_jax():
    code = "import sys, vestige.experiments.gradients; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
