"""A recipe for every contract: one file with one part, registered, found, and used in a small experiment."""

import importlib
import json
import re
import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.registries import CONTRACTS, registry

PACKAGE = Path(__file__).parent / "vestige_extra"
ROOT = PACKAGE.parent.parent.parent
RECIPES = {
    "memory": ("leaky", "leaky"),
    "cell": ("minimal-gated", "minimal_gated"),
    "model": ("autoregression", "autoregression"),
    "prior": ("learned-scale", "learned_scale"),
    "tie": ("sign-symmetric", "sign_symmetric"),
    "rule": ("signs", "signs"),
    "score": ("least-confident", "least_confident"),
    "selection": ("epsilon-greedy", "epsilon_greedy"),
    "structure": ("first-two", "first_two"),
    "estimator": ("self-critical", "self_critical"),
    "baseline": ("median-of-others", "median_of_others"),
    "task": ("reversed-recall", "reversed_recall"),
    "dataset": ("crosses", "crosses"),
    "optimiser": ("lion", "lion"),
    "metric": ("kl_turn", "kl_turn"),
    "section": ("best-evaluations", "best_evaluations"),
    "experiment": ("reversed-recall", "reversed_small"),
}
"""Contract -> the name of the part, and its file."""


@pytest.fixture(scope="module")
def extra():
    """The package, imported; what it registers is gone after the tests."""
    known = [registry(contract) for contract in CONTRACTS]
    len(known[0])  # loads what is installed
    before = [(dict(one._parts), dict(one._origins)) for one in known]
    sys.path.insert(0, str(PACKAGE.parent))
    try:
        yield importlib.import_module("vestige_extra")
    finally:
        sys.path.remove(str(PACKAGE.parent))
        for name in [name for name in sys.modules if name.partition(".")[0] == "vestige_extra"]:
            del sys.modules[name]
        for one, (parts, origins) in zip(known, before, strict=True):
            one._parts, one._origins = parts, origins


def test_every_contract_has_a_recipe():
    assert set(RECIPES) == set(CONTRACTS)
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert files == {file for _, file in RECIPES.values()} and len(files) == len(CONTRACTS)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_recipe_is_one_short_file_with_one_registration(contract):
    name, file = RECIPES[contract]
    lines = (PACKAGE / f"{file}.py").read_text().splitlines()
    assert len(lines) <= 60
    registrations = [line for line in lines if line.startswith("vestige.register(")]
    assert len(registrations) == 1 and registrations[0].startswith(f'vestige.register("{contract}", "{name}", ')


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_guides_name_the_recipe(contract):
    path = f"tests/extension/vestige_extra/{RECIPES[contract][1]}.py"
    rows = re.findall(r"^\| ([a-z]+) \|.*`(tests/extension/[a-z_/.]+)`", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    assert (contract, path) in rows
    assert f'--8<-- "{path}"' in (ROOT / "docs" / "extend.md").read_text()


@pytest.mark.parametrize("contract", CONTRACTS)
def test_it_is_registered_and_found(contract, extra, capsys):
    from vestige.cli.listing import main

    name, file = RECIPES[contract]
    assert registry(contract).find(name) is registry(contract)[name]
    here = (f"vestige_extra.{file}", "jaxtyping._decorator")  # the latter: what checks types in tests stands between
    assert registry(contract).origin(name) in here
    main(["--json"] if contract == "experiment" else [contract, "--json"])
    listed = json.loads(capsys.readouterr().out)[name]
    assert listed["summary"] and listed.get("plugin", here[0]) in here


SIZES = {
    "batch_size": 2,
    "model.latent_size": 3,
    "model.controller_size": 8,
    "model.width": 8,
    "model.match_parameters": False,
}
MEMUP = {"batch_size": 2, "task.length": 4, "model.cell.hidden": 4, "model.width": 8, "model.detector_width": 4}
USES = {
    "frames": (
        "reversed-recall",
        {
            "model.memory": "leaky",
            "rule": "signs",
            "model.prior": "learned-scale",
            "optimiser": "lion",
        },
        {"task.images.source": "crosses", **SIZES},
    ),
    "outcomes": (
        "copy",
        {"model.cell": "minimal-gated", "rule.score": "least-confident", "rule.selection": "epsilon-greedy"},
        MEMUP,
    ),
    "observations": ("sensor-fusion", {"model": "autoregression"}, {"batch_size": 2, "task.length": 30}),
    "bits": ("bars-and-stripes", {"model.tie": "sign-symmetric"}, {"batch_size": 2}),
    "cost": (
        "toy-matching",
        {"model.estimator": "score-function"},
        {"batch_size": 2, "model.estimator.baseline": "median-of-others"},
    ),
    "cost, other estimator": ("toy-matching", {"model.estimator": "self-critical"}, {"batch_size": 2}),
}
"""What is provided -> experiment, parts by name, options: the smallest in which each part is used."""


def chosen(experiment, names, options):
    found = registry("experiment")[experiment].preset("small").choose(names)
    for path, value in options.items():
        found = found.choose({path: value}) if path.endswith("baseline") else found.replace(path, value)
    found.check()
    return found


@pytest.mark.parametrize("use", USES)
@pytest.mark.few(1)
def test_an_update_keeps_the_shapes_of_the_model(use, extra):
    """Traced and not compiled: the model, a batch, the rule, the optimiser."""
    experiment, key = chosen(*USES[use]), jax.random.key(0)
    task = experiment.model.view(experiment.task.presented(experiment.task.build(seed=0), experiment.model.needs))
    rule = experiment.rule.build(experiment.model, task)
    optimiser = experiment.optimiser.build(experiment.steps, task=task, rule=experiment.rule)

    def update():
        model = experiment.model.build(task, key=key)
        batch = task.batch(size=experiment.batch_size, key=key)
        done = rule.step(model, rule.init(model, batch, key=key), batch, key=key)
        weights = eqx.filter(model, eqx.is_inexact_array)
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):  # as optax needs them
            changes, _ = optimiser.update(done.grads, optimiser.init(weights), weights)
        return weights, eqx.apply_updates(weights, changes), done.grads

    before, after, grads = eqx.filter_eval_shape(update)
    shapes = lambda tree: [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(tree)]
    assert shapes(before) == shapes(after) == shapes(grads) and len(shapes(before)) > 0


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


class TestKnownAnswers:
    def test_cell(self, extra):
        cell = extra.minimal_gated.MinimalGated(3, 2, key=jax.random.key(0))
        x, h, drive = drawn(3), drawn(2, seed=1), drawn(4, seed=2)
        w, u, b = (np.asarray(part, np.float64) for part in (cell.from_input, cell.recurrent, cell.bias))
        outer = x @ w + b + drive
        gate = 1 / (1 + np.exp(-outer[:2] - h @ u[:, :2]))
        wanted = (1 - gate) * h + gate * np.tanh(outer[2:] + (gate * h) @ u[:, 2:])
        state, output = cell(jnp.asarray(h), jnp.asarray(x), jnp.asarray(drive))
        np.testing.assert_allclose(output, wanted, rtol=1e-5)
        np.testing.assert_array_equal(state, output)

    def test_tie_pulls_the_gradient(self, extra):
        tie = extra.sign_symmetric.sign_symmetric(*map(jnp.asarray, (drawn(3, 2), drawn(3, 2, seed=1))), 1)
        assert np.all(np.sign(tie.recognition()) == np.sign(tie.generation()))
        np.testing.assert_allclose(np.abs(tie.recognition()), np.abs(drawn(3, 2, seed=1)), rtol=1e-5)
        down, up = jnp.asarray(drawn(3, 2, seed=2)), jnp.asarray(drawn(3, 2, seed=3))
        wanted = jax.grad(lambda t: jnp.sum(t.generation() * down) + jnp.sum(t.recognition() * up))(tie)
        np.testing.assert_allclose(tie.pull(down, up).kernel, wanted.kernel, rtol=1e-5)
        np.testing.assert_allclose(tie.pull(down, up).log_size, wanted.log_size, rtol=1e-5)

    def test_baseline(self, extra):
        baseline = extra.median_of_others.MedianOfOthers()
        costs = np.array([1.0, 100.0, -3.0, 7.0, 2.0], np.float32)
        wanted = [np.median(np.delete(costs, i)) for i in range(5)]
        np.testing.assert_array_equal(baseline(jnp.asarray(costs), None), wanted)
        with pytest.raises(ValueError, match="at least 2 draws are needed, got 1"):
            baseline(jnp.ones(1), None)
        with pytest.raises(ValueError, match="draws must be at least 2 with this baseline, got 1"):
            chosen("toy-matching", *USES["cost"][1:]).replace("model.estimator.draws", 1)

    def test_selection(self, extra):
        from vestige.rules.selection import Candidates

        known = Candidates(jnp.array([9, 1, 5, 7], jnp.int32), jnp.array([4.0, 3.0, 2.0, -jnp.inf]))
        choose = eqx.filter_jit(lambda selection, point, key: selection(known, point, 2, key=key))
        greedy, blind = (extra.epsilon_greedy.EpsilonGreedy(epsilon) for epsilon in (0.0, 1.0))
        found = choose(greedy, jnp.int32(0), jax.random.key(0))
        assert [*found.steps] == [9, 1] and [*found.weights] == [0.5, 0.5]
        assert [*choose(greedy, jnp.int32(4), jax.random.key(0)).steps] == [9, 5]
        assert {*map(int, choose(greedy, jnp.int32(6), jax.random.key(0)).steps)} == {9}  # one is left: it is repeated
        assert [*choose(greedy, jnp.int32(10), jax.random.key(0)).weights] == [0.0, 0.0]
        keys = jax.random.split(jax.random.key(1), 300)
        steps = jax.jit(jax.vmap(lambda key: blind(known, jnp.int32(0), 1, key=key).steps[0]))(keys)
        share = np.array([np.mean(steps == step) for step in (9, 1, 5)])
        assert share.sum() == 1 and np.all(np.abs(share - 1 / 3) < 4 * np.sqrt(2 / 9 / 300))

    def test_score(self, extra):
        experiment = chosen(*USES["outcomes"])
        (score := experiment.rule.score.build(None)).init(None, None)
        logits = drawn(5, 4)

        class Model(eqx.Module):
            outcome: eqx.Module

            def detector(self, inputs, inside):
                return inputs

        from vestige.models.longterm import Classes, Number
        from vestige.sequences import Window

        inside = jnp.ones(5, bool)
        window = Window(jnp.asarray(logits), jnp.zeros(5, jnp.int32), inside, inside)
        _, found = score(Model(Classes(4)), None, window, jnp.arange(5), 0, key=jax.random.key(0))
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(found, 1 - p.max(axis=1), rtol=1e-5)
        with pytest.raises(ValueError, match="outcomes must be classes, got Number"):
            score(Model(Number()), None, window, jnp.arange(5), 0, key=jax.random.key(0))

    def test_model_skips_what_is_missing(self, extra):
        from vestige.models.families import UnitGaussian
        from vestige.sequences import ArraySequence
        from vestige.typing import Batch

        linear = eqx.nn.Linear(1, 1, key=jax.random.key(0))
        linear = eqx.tree_at(lambda x: (x.weight, x.bias), linear, (jnp.array([[0.5]]), jnp.array([1.0])))
        model = extra.autoregression.Autoregression(linear, UnitGaussian(1))
        y = np.array([[2.0], [np.nan], [3.0], [9.0]], np.float32)  # the last lies beyond the length
        sequence = ArraySequence(jnp.asarray(y), jnp.zeros((4, 1)), jnp.asarray(3))
        value, _ = extra.autoregression.log_likelihood(model, Batch(sequence), key=jax.random.key(0))
        wanted = -0.5 * ((2 - 1) ** 2 + (3 - 2) ** 2) - np.log(2 * np.pi)
        np.testing.assert_allclose(value, wanted, rtol=1e-5)

    def test_prior(self, extra):
        prior = extra.learned_scale.LearnedScale(3, 2, 4, log_scale=0.5, key=jax.random.key(0))
        laws = [prior(jnp.asarray(drawn(3, seed=seed)), None) for seed in (0, 1)]
        np.testing.assert_array_equal(laws[0].log_scale, laws[1].log_scale)
        assert np.all(laws[0].mean != laws[1].mean)

    def test_section(self, extra):
        from vestige.report.run import Run

        lines = [{"kind": "evaluate", "step": step, "kl_turn": kl} for step, kl in ((10, 2.0), (20, 1.5), (30, 1.75))]
        page = extra.best_evaluations.BestEvaluations().content(Run({}, tuple(lines), None, {}))
        assert "<td>KL at the turn</td><td>1.5</td><td>20</td>" in page
        assert extra.best_evaluations.BestEvaluations().content(Run({}, (), None, {})) == ""

    def test_optimiser_moves_by_the_rate(self, extra):
        optimiser = extra.lion.LionSpec(rate=0.25, decay="constant").build(10, task=None, rule=None)
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            changes, _ = optimiser.update(jnp.array([3.0, -1e-3]), optimiser.init(jnp.ones(2)), jnp.ones(2))
        np.testing.assert_array_equal(changes, [-0.25, 0.25])
