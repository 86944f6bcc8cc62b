import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.estimators import Critic, Exact, LeaveOneOut, Relax, ScoreFunction, expect
from vestige.models.structured import Rates
from vestige.structures import Arborescence, BinaryTree, Matching, SpanningTree
from vestige.tasks import ExpectedCost, ToyTask
from vestige.tasks.toy import Distance, elsewhere, fan, height, matched
from vestige.typing import Batch

TASKS = {
    "matching": ToyTask(ExpectedCost(Matching, matched), -4.0, -1.0, (4, 4)),
    "binary tree": ToyTask(ExpectedCost(BinaryTree, height), -4.0, None, (4,)),
    "arborescence": ToyTask(ExpectedCost(Arborescence, fan), -3.0, None, (4, 4)),
    "spanning tree": ToyTask(ExpectedCost(SpanningTree, elsewhere), 0.0, 1.5, (4, 4)),
}
ROW = Batch(jnp.zeros(()))


LONG = {"matching", "arborescence", "spanning tree"}


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in TASKS])
def task(request):
    return TASKS[request.param]


def children(n, pairs):
    return jnp.zeros((n, n)).at[tuple(np.array(pairs).T)].set(1.0)


class TestCosts:
    """Of structures written by hand."""

    def test_matched_rows(self):
        assert float(matched(jnp.eye(4))) == -4
        assert float(matched(jnp.eye(4)[::-1])) == 0
        assert float(matched(jnp.eye(4)[jnp.array([0, 2, 1, 3])])) == -2

    def test_distance_is_the_squared_norm(self):
        target = np.full((3, 3), 0.45) + 0.1 * np.eye(3)
        for order in ([0, 1, 2], [1, 0, 2], [1, 2, 0]):
            value = np.eye(3)[order]
            np.testing.assert_allclose(Distance(0.05)(jnp.asarray(value)), ((value - target) ** 2).sum(), rtol=1e-6)

    @pytest.mark.parametrize(
        ("pairs", "levels"),
        [
            ([(0, 1), (1, 2), (2, 3), (3, 4)], 5),
            ([(2, 1), (1, 0), (2, 3), (3, 4)], 3),
            ([(4, 0), (0, 3), (3, 1), (1, 2)], 5),
            ([(1, 0), (1, 3), (3, 2), (3, 4)], 3),
        ],
    )
    def test_levels_of_a_tree(self, pairs, levels):
        assert float(height(children(5, pairs))) == -levels

    def test_a_tree_of_one_has_one_level(self):
        assert float(height(jnp.zeros((1, 1)))) == -1

    def test_largest_out_degree(self):
        assert float(fan(children(4, [(0, 1), (0, 2), (0, 3)]))) == -3
        assert float(fan(children(4, [(0, 1), (1, 2), (1, 3)]))) == -2

    def test_edges_elsewhere(self):
        path = children(4, [(0, 1), (1, 2), (2, 3)])
        assert float(elsewhere(path + path.T)) == 2
        star = children(4, [(0, 1), (0, 2), (0, 3)])
        assert float(elsewhere(star + star.T)) == 0


def test_loss_is_the_expected_cost(task, key):
    log_rates = 0.3 * jax.random.normal(key, task.shape)
    log_rates = log_rates + log_rates.T if len(task.shape) == 2 else log_rates
    objective = task.objective

    @eqx.filter_jit
    def both(log_rates):
        exact = expect(objective.cost, objective.structure(log_rates), estimator=Exact(), key=key)
        return exact, task.evaluate(Rates(log_rates, ScoreFunction(1)), size=4096, key=key)["loss"]

    exact, measured = both(log_rates)
    widest = 4  # no cost is spread more widely than this
    assert abs(float(measured - exact)) < 4 * widest / 2 / np.sqrt(4096)


def test_an_exact_gradient_has_no_deviation(task, key):
    assert float(eqx.filter_jit(task.gradient_std)(Rates(jnp.zeros(task.shape), Exact()), key=key)) < 1e-6


@pytest.mark.slow
def test_gradient_std_is_that_of_the_keys(key):
    """By hand, over the six edges alone: half of the symmetric array, none of the diagonal."""
    task = TASKS["spanning tree"]
    model = Rates(jnp.zeros((4, 4)), LeaveOneOut(3))

    def grad(key):
        loss = lambda rates: -task.objective(eqx.tree_at(lambda m: m.log_rates, model, rates), ROW, key=key)[0]
        return jax.grad(loss)(model.log_rates)

    grads = 2 * jax.jit(jax.vmap(grad))(jax.random.split(key, 64))  # either entry of an edge gets half
    by_hand = jnp.std(grads, axis=0, ddof=1)[jnp.triu_indices(4, 1)].mean()
    np.testing.assert_allclose(eqx.filter_jit(task.gradient_std)(model, key=key), by_hand, rtol=1e-4)


@pytest.mark.slow
def test_the_objective_is_maximised_and_trains_the_critic(key):
    task = TASKS["binary tree"]
    model = Rates(jnp.zeros(4), Relax(Critic(4, 8, key=key), 3))
    slopes = eqx.filter_jit(eqx.filter_value_and_grad(lambda m: task.objective(m, ROW, key=key), has_aux=True))
    (value, metrics), grads = slopes(model)
    assert float(value) == -float(metrics["loss"])
    assert float(jnp.abs(grads.estimator.critic.hidden.weight).max()) > 0


def test_batches_are_dummies_of_the_right_size(task, key):
    assert task.batch(size=3, key=key).inputs.shape == (3,)


def test_bounds(task, key):
    levels = task.bounds({})["loss"]
    assert levels["best"] < levels["chance"]
    draw = jax.jit(lambda: jax.vmap(task.objective.cost)(task.values(jnp.zeros(task.shape), size=8192, key=key)))
    costs = draw()
    assert abs(levels["chance"] - float(costs.mean())) < 6 * float(costs.std()) / np.sqrt(8192)
    assert float(costs.min()) >= levels["best"]
