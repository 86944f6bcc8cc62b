"""Language models of a known length: sums over all texts, sums over all trees, padding, sizes."""

import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from tests.drawn import drawn
from vestige.estimators import Exact, LeaveOneOut
from vestige.estimators.specs import ESTIMATORS
from vestige.models.structured import StructureBound, StructureModel
from vestige.models.structured.language import objective
from vestige.models.structured.language_decoder import layout
from vestige.models.structured.language_exact import levels
from vestige.models.structured.language_specs import LeftToRightSpec, TreeLanguageModelSpec, parameters
from vestige.models.structured.objective import log_mean
from vestige.structures import BinaryTree, enumerate_traces
from vestige.tasks.text.specs import ParenthesesSpec
from vestige.typing import Batch

N, TOKENS = 4, 2
TEXTS = np.array(list(itertools.product(range(TOKENS), repeat=N)), np.int32)
SPECS = {"tree": TreeLanguageModelSpec(5, 3), "left to right": LeftToRightSpec(5)}


@functools.cache
def model(name):
    task = ParenthesesSpec(N // 2 + 1).build(seed=0)  # a row has room for two tokens more
    return drawn(lambda key: SPECS[name].build(task, key=key), scale={"tree": 0.7, "left to right": 2.0}[name])


def sure():
    """The tree model, with a posterior that is far from the prior."""
    return eqx.tree_at(lambda m: m.encoder.out.weight, model("tree"), 8.0 * model("tree").encoder.out.weight)


def parents_of(times, left, right, parent, found):
    """The Cartesian tree, by recursion."""
    if left <= right:
        root = left + int(np.argmin(times[left : right + 1]))
        found[root] = parent, left, right
        parents_of(times, left, root - 1, root, found)
        parents_of(times, root + 1, right, root, found)
    return found


def test_the_layout_of_a_tree_is_that_of_the_recursion():
    noise = np.random.default_rng(0).normal(size=(20, 7)).astype(np.float32)
    tree = BinaryTree(jnp.zeros(7))
    found = jax.jit(jax.vmap(lambda times: layout(tree.value(tree.run(times)))))(noise)
    for row, times in enumerate(noise):
        expected = parents_of(times, 0, 6, -1, {})
        for place in range(7):
            assert (found.parent[row, place], found.left[row, place], found.right[row, place]) == expected[place]
        order = found.order[row].tolist()
        assert sorted(order) == list(range(7))
        assert all(expected[place][0] in [-1, *order[:at]] for at, place in enumerate(order))


@eqx.filter_jit
def log_probs(model, texts):
    return jax.vmap(lambda text: model.log_prob(Batch(text)))(texts)


@pytest.mark.parametrize("name", SPECS)
def test_all_texts_of_a_length_add_up_to_one(name):
    found = np.asarray(log_probs(model(name), TEXTS), np.float64)
    assert np.exp(found).sum() == pytest.approx(1.0, abs=1e-5)
    assert np.ptp(found) > 0.5


@pytest.mark.slow
def test_the_sum_over_trees_is_that_of_the_enumeration():
    """Of 14 trees, and of the evidence lower bound log p(x) - KL(q(T | x) ‖ p(T | x))."""
    tree = sure()
    assert isinstance(tree, StructureModel)

    @eqx.filter_jit
    def both(model, tokens):
        text = Batch(tokens)
        prior, posterior = model.prior(text), model.posterior(text)
        table = enumerate_traces(prior)
        joint = table.log_probs + jax.vmap(lambda value: model.log_likelihood(value, text))(table.values)
        mine = jax.vmap(posterior.log_prob)(table.traces)
        exact = eqx.tree_at(lambda m: m.estimator, model, Exact())
        bound = StructureBound("trace")(exact, text, key=jax.random.key(0))[0]
        return joint, mine, model.log_prob(text), bound

    joint, mine, total, bound = (np.asarray(x, np.float64) for x in both(tree, TEXTS[5]))
    assert len(joint) == 14
    assert total == pytest.approx(np.logaddexp.reduce(joint), abs=1e-5)
    assert bound == pytest.approx(np.sum(np.exp(mine) * (joint - mine)), abs=1e-5)
    assert bound < total - 0.05


def test_paths_are_counted():
    assert [sum(len(level.place) for level in levels(n)) for n in (1, 2, 3, 6)] == [
        (3**n - 1) // 2 for n in (1, 2, 3, 6)
    ]


@eqx.filter_jit
def padded(model, tokens, mask, key):
    found = model.orders(Batch(tokens, mask=mask), samples=3, key=key)
    return found.log_weights, found.values, model.generate(mask, key=key)


@pytest.mark.parametrize("name", SPECS)
def test_padding_changes_nothing(name, key):
    mask = np.arange(6) < N
    rows = [np.concatenate([TEXTS[5], behind]).astype(np.int32) for behind in ([0, 0], [1, 77])]
    first, second = (padded(model(name), row, mask, key) for row in rows)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    weights, values, made = first
    assert not values[:, N:].any() and not values[:, :, N:].any() and not made[N:].any()
    if name == "tree":
        likelihood = eqx.filter_jit(lambda m, text, value: m.log_likelihood(value, text))
        whole = likelihood(model(name), Batch(jnp.asarray(rows[1]), mask=jnp.asarray(mask)), values[0])
        alone = likelihood(model(name), Batch(jnp.asarray(TEXTS[5])), values[0, :N, :N])
        assert float(whole) == pytest.approx(float(alone), abs=1e-5)
        rates = eqx.filter_jit(lambda m, text: m.posterior(text).log_rates)
        there = rates(model(name), Batch(jnp.asarray(rows[1]), mask=jnp.asarray(mask)))[:N]
        np.testing.assert_allclose(there, rates(model(name), Batch(jnp.asarray(TEXTS[5]))), atol=1e-5)
    else:
        alone = log_probs(model(name), TEXTS)[5]
        np.testing.assert_allclose(weights, alone, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"pairs": 10, "kinds": 2}, {"pairs": 20}])
def test_models_are_of_equal_size(options):
    task = ParenthesesSpec(**options).build(seed=0)
    tree, chain = (parameters(spec, task) for spec in (TreeLanguageModelSpec(), LeftToRightSpec()))
    assert abs(chain - tree) < 0.05 * tree


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="at most 10 positions; got 12"):
        jax.eval_shape(lambda: model("tree").log_prob(Batch(jnp.zeros(12, jnp.int32))))
    with pytest.raises(ValueError, match="width must be at least 1, got 0"):
        TreeLanguageModelSpec(0)
    spec = TreeLanguageModelSpec(estimator=ESTIMATORS["biased-relaxation"])
    with pytest.raises(ValueError, match="needs a structure with relaxation"):
        spec.check(ParenthesesSpec())


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECS)
def test_texts_are_generated_by_their_probability(name, key):
    count = 20_000
    draw = eqx.filter_jit(lambda m, keys: jax.vmap(lambda k: m.generate(jnp.ones(N, bool), key=k))(keys))
    made = np.asarray(draw(model(name), jax.random.split(key, count)))
    found = np.bincount(made @ (TOKENS ** np.arange(N)[::-1]), minlength=len(TEXTS)) / count
    probs = np.exp(np.asarray(log_probs(model(name), TEXTS), np.float64))
    assert np.all(np.abs(found - probs) < 4 * np.sqrt(probs * (1 - probs) / count))


@pytest.mark.slow
def test_bounds_lie_below_the_probability_and_close_in_on_it(key):
    text = Batch(jnp.asarray(TEXTS[5]))
    exact = float(log_probs(model("tree"), TEXTS)[5])
    draw = eqx.filter_jit(lambda m, key: m.orders(text, samples=40_000, key=key).log_weights)
    weights = np.asarray(draw(sure(), key), np.float64)
    ratios = np.exp(weights - exact)
    assert abs(ratios.mean() - 1) < 4 * ratios.std() / np.sqrt(len(ratios))
    by_samples = [np.log(ratios.reshape(-1, samples).mean(axis=1)) for samples in (1, 10, 1000)]
    means = [gaps.mean() for gaps in by_samples]
    errors = [gaps.std() / np.sqrt(len(gaps)) for gaps in by_samples]
    assert means[0] + 4 * errors[0] < means[1] < -4 * errors[1] and abs(means[2]) < 0.01
    assert float(log_mean(jnp.asarray(weights, jnp.float32))) == pytest.approx(exact, abs=0.02)


@pytest.mark.slow
def test_the_gradient_of_all_parts_is_that_of_the_enumeration(key):
    text = Batch(jnp.asarray(TEXTS[5]))

    @eqx.filter_jit
    def gradients(model, keys):
        def flat(estimator, k):
            given = eqx.tree_at(lambda m: m.estimator, model, estimator)
            found = eqx.filter_grad(lambda m: StructureBound("trace")(m, text, key=k)[0])(given)
            return [ravel_pytree(part)[0] for part in (found.encoder, found.decoder, found.prior_rates)]

        return flat(Exact(), keys[0]), jax.lax.map(lambda k: flat(LeaveOneOut(4), k), keys, batch_size=500)

    for exact, found in zip(*gradients(sure(), jax.random.split(key, 4000)), strict=True):
        exact, found = np.asarray(exact, np.float64), np.asarray(found, np.float64)
        error = found.std(axis=0) / np.sqrt(len(found))
        assert np.linalg.norm(exact) > 1e-2
        along = found @ exact / np.linalg.norm(exact)
        assert abs(along.mean() - np.linalg.norm(exact)) < 4 * along.std() / np.sqrt(len(along))
        assert np.mean(np.abs(found.mean(axis=0) - exact) < 4 * error + 1e-5) > 0.99


@pytest.mark.slow
@pytest.mark.parametrize(("name", "divergence"), [("leave-one-out-times", "times"), ("relax", "trace")])
def test_every_kind_of_estimator_teaches_all_parts(name, divergence, key):
    task = ParenthesesSpec(2).build(seed=0)
    spec = TreeLanguageModelSpec(4, 3, divergence=divergence, estimator=ESTIMATORS[name])
    made = spec.build(task, key=key)
    row = jax.tree.map(lambda x: x[0], task.batch(size=1, key=key))
    slopes = eqx.filter_jit(eqx.filter_grad(lambda m: spec.objective(task)(m, row, key=key)[0]))(made)
    for part in (slopes.encoder.out.weight, slopes.decoder.out.weight, slopes.prior_rates.start):
        assert np.isfinite(np.asarray(part)).all() and np.abs(part).max() > 0


def test_a_prior_of_equal_rates_is_not_learned(key):
    task = ParenthesesSpec(2).build(seed=0)
    made = drawn(lambda key: TreeLanguageModelSpec(4, 3, "equal").build(task, key=key))
    assert made.prior_rates is None
    text = Batch(jnp.asarray(TEXTS[5]))
    np.testing.assert_array_equal(made.prior(text).log_rates, np.zeros(4))


def test_the_objective_from_left_to_right_is_the_log_probability(key):
    value, metrics = eqx.filter_jit(objective)(model("left to right"), Batch(jnp.asarray(TEXTS[5])), key=key)
    assert float(value) == -float(metrics["loss"])
    assert float(value) == pytest.approx(float(log_probs(model("left to right"), TEXTS)[5]) / N)
