import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
import yaml
from vestige.experiments.construct import construct
from vestige.experiments.optimisers import Adam
from vestige.experiments.serial import from_plain, to_plain
from vestige.experiments.tmaze import PPO, TRAININGS, Joint, Pretrained, TMaze
from vestige.experiments.tmaze.entries import TMAZE

from vestige import rules
from vestige.experiments.execution import execute

FAST = Adam(5e-3, "constant", 0)
TINY = TMaze(
    length=5,
    jitter=2,
    hidden=16,
    features=16,
    width=16,
    heads=16,
    keep=2.0,
    rollout=4,
    training=Pretrained(300),
    ppo=PPO(episodes=16, epochs=2, minibatches=2),
    memory_optimiser=FAST,
    policy_optimiser=FAST,
    steps=400,
    batch=32,
)


@pytest.fixture(autouse=True)
def _few_episodes(monkeypatch):
    monkeypatch.setattr(TMaze, "evaluation_size", 64)
    monkeypatch.setattr(TMaze, "evaluations", 2)


@pytest.mark.parametrize("training", TRAININGS.values(), ids=TRAININGS)
@pytest.mark.parametrize("preset", TMAZE.presets)
def test_options_survive_yaml(preset, training):
    options = dataclasses.replace(TMAZE.preset(preset), training=training)
    assert from_plain(TMaze, yaml.safe_load(yaml.safe_dump(to_plain(options))), where="x") == options


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TMaze(length=0), "length must be at least 1, got 0"),
        (lambda: TMaze(jitter=-1), "jitter must be at least 0, got -1"),
        (lambda: TMaze(rollout=0), "rollout must be at least 1, got 0"),
        (lambda: Pretrained(-1), "updates must be at least 0, got -1"),
        (lambda: Joint(1.0), r"decay must be in \[0, 1\), got 1.0"),
        (lambda: PPO(episodes=0), "episodes must be at least 1, got 0"),
        (lambda: PPO(ratio=0.0), "ratio must be positive, got 0.0"),
        (lambda: PPO(entropy=-1.0), "entropy must be at least 0, got -1.0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_memory_and_then_a_policy_are_learned(tmp_path, how):
    results = execute(TMAZE, TINY, seed=0, folder=tmp_path / "run", **how)
    assert results["metrics"]["reward"] == 4.0
    assert results["metrics"]["mse"] < 0.5
    assert results["bounds"]["reward"] == {"best": 4.0, "chance": 0.5}
    assert results["published"] == {}


def updates(built, count):
    """What the optimiser makes of `count` equal gradients, one after the other."""
    parameters = eqx.filter(built.model, eqx.is_inexact_array)
    slopes, state = jax.tree.map(jnp.ones_like, parameters), built.optimiser.init(parameters)
    for _ in range(count):
        changes, state = built.optimiser.update(slopes, state, parameters)
        yield changes


def all_are(value, tree):
    return all(bool(jnp.allclose(leaf, value, rtol=1e-3, atol=0.0)) for leaf in jax.tree.leaves(tree))


def test_each_part_rests_while_the_other_learns():
    built = construct(dataclasses.replace(TINY, training=Pretrained(2)), seed=0)
    for step, changes in enumerate(updates(built, 4)):
        assert all_are(-5e-3 if step < 2 else 0.0, changes.memory)
        assert all_are(0.0 if step < 2 else -5e-3, changes.policy)


def test_both_may_learn_at_once():
    built = construct(dataclasses.replace(TINY, training=Joint(0.5)), seed=0)
    assert isinstance(built.rule, rules.Combined) and built.rule.decay == 0.5
    (changes,) = updates(built, 1)
    assert all_are(-5e-3, changes)


def test_what_is_built():
    built = construct(dataclasses.replace(TINY, keep=None, training=TRAININGS["truncated"]), seed=0)
    assert isinstance(built.rule.first.rule, rules.Truncated) and built.rule.first.rule.rollout == 4
    long = construct(dataclasses.replace(TINY, keep=None, length=1000), seed=0)
    for agent, keep in ((built.model, 1.0), (long.model, float(jnp.log(200.0)))):
        bias = agent.memory.cell.bias.reshape(4, 16)
        assert jnp.allclose(bias[0], -keep) and jnp.allclose(bias[1], keep)
    memup = long.rule.first.rule
    assert (memup.rollout, memup.targets, memup.frequency, memup.scan_chunk) == (4, 1, 1, 500)
    inputs = jnp.arange(8.0)
    slopes = jax.jacobian(built.model.memory.encoder)(inputs)
    assert not bool(slopes[:, 6:].any()), "the memory must not see the action before it is taken"
    question = jax.jacobian(built.model.memory.question)(inputs)
    assert not bool(question[:, 3:6].any())
    assert [layer.weight.shape[0] for layer in built.model.policy.actor] == [16, 16, 2]


def test_what_the_catalogue_asks_for():
    assert {"small", "cpu", "paper"} == TMAZE.presets.keys() == TMAZE.durations.keys()
    assert {type(options) for options in TMAZE.presets.values()} == {TMaze}
    assert len({tuple(options.outline()) for options in TMAZE.presets.values()}) == 1
    assert TMAZE.kind.variation in TMAZE.kind.choices
    assert [options.length for options in TMAZE.presets.values()] == [100, 1000, 10_000]
    assert TMAZE.published(TMAZE.preset("paper")) == {}
