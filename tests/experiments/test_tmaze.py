"""The T-maze: a memory that carries a hint through a corridor, and a policy that acts on it."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
import yaml

from vestige import rules
from vestige.cli.parse import RunSettings, fitting, parse
from vestige.errors import UsageError
from vestige.experiments import Experiment
from vestige.models.policy.specs import AgentSpec
from vestige.plain import from_plain, to_plain
from vestige.registries import registry
from vestige.rules.agent_specs import AGENT_RULES, JointSpec, PretrainedSpec, ProximalSpec, Turn
from vestige.rules.longterm_specs import BPTTSpec, TruncatedSpec
from vestige.rules.memup_specs import MemUPSpec
from vestige.rules.specs import GradientSpec
from vestige.runs.execution import execute
from vestige.runs.schema1 import NAMES
from vestige.tasks.tmaze.specs import TMazeSpec
from vestige.training.optimisers import AdamSpec, ByPartSpec

TMAZE = registry("experiment")["tmaze"]
FAST = AdamSpec(5e-3, "constant")
MEMUP = MemUPSpec(4, frequency=1)
PPO = ProximalSpec(episodes=16, epochs=2, minibatches=2)
TINY = Experiment(
    TMazeSpec(5, 2),
    AgentSpec(hidden=16, features=16, width=16, heads=16, forget_bias=2.0),
    PretrainedSpec(MEMUP, PPO, 300),
    ByPartSpec(FAST, FAST),
    steps=400,
    batch_size=32,
    num_evals=2,
    eval_size=64,
)


@pytest.mark.parametrize("rule", AGENT_RULES)
@pytest.mark.parametrize("preset", TMAZE.presets)
def test_options_survive_yaml(preset, rule):
    experiment = TMAZE.preset(preset).choose({"rule": rule})
    assert from_plain(Experiment, yaml.safe_load(yaml.safe_dump(to_plain(experiment))), where="x") == experiment


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TMazeSpec(length=0), "length must be at least 1, got 0"),
        (lambda: TMazeSpec(jitter=-1), "jitter must be at least 0, got -1"),
        (lambda: AgentSpec(heads=0), "heads must be at least 1, got 0"),
        (lambda: PretrainedSpec(updates=-1), "updates must be at least 0, got -1"),
        (lambda: JointSpec(decay=1.0), r"decay must be in \[0, 1\), got 1.0"),
        (
            lambda: JointSpec(TruncatedSpec()),
            "joint trains the memory by memup, got TruncatedSpec",
        ),
        (lambda: PretrainedSpec(GradientSpec()), "memory must be a rule for long-term memories.* got GradientSpec"),
        (lambda: ProximalSpec(episodes=0), "episodes must be at least 1, got 0"),
        (lambda: ProximalSpec(ratio=0.0), "ratio must be positive, got 0.0"),
        (lambda: ProximalSpec(entropy=-1.0), "entropy must be at least 0, got -1.0"),
        (lambda: ProximalSpec(trace=1.5), r"trace must be in \[0, 1\], got 1.5"),
        (lambda: ByPartSpec(ByPartSpec()), "memory must be an optimiser for one part.* got by-part"),
        (lambda: ByPartSpec().check(MemUPSpec()), "by-part needs a rule that trains a memory and a policy"),
        (lambda: TINY.choose({"optimiser.policy": "mass-spring-damper"}), "mass-spring-damper is one for recurrent"),
        (lambda: TINY.choose({"optimiser.memory": "mass-spring-damper"}), "mass-spring-damper is one for recurrent"),
        (lambda: TINY.choose({"rule": "memup"}), "Rules for this model: joint, pretrained, pretrained-truncated"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_options_of_ppo_are_those_of_the_rule():
    rule = ProximalSpec().build(TINY.task.build(seed=0).maze)
    assert rule == rules.Proximal(rule.environment)
    other = ProximalSpec(3, 5, 6, 0.3, 0.7, 0.2, 0.8, 0.9, 2.0)
    built = other.build(rule.environment)
    assert {field.name: getattr(built, field.name) for field in dataclasses.fields(other)} == dataclasses.asdict(other)


@pytest.mark.slow
@pytest.mark.exhaustive
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


@pytest.mark.slow
def test_each_part_rests_while_the_other_learns():
    built = dataclasses.replace(TINY, rule=PretrainedSpec(MEMUP, PPO, 2)).build(seed=0)
    for step, changes in enumerate(updates(built, 4)):
        assert all_are(-5e-3 if step < 2 else 0.0, changes.memory)
        assert all_are(0.0 if step < 2 else -5e-3, changes.policy)


@pytest.mark.slow
def test_a_schedule_is_as_long_as_its_part_learns():
    """After three of six updates of its own the policy's cosine is half way, whenever it began."""
    spec = PretrainedSpec(MEMUP, PPO, 4)
    assert spec.turns(10) == {"memory": Turn(0, 4), "policy": Turn(4, 10)}
    assert spec.turns(3) == {"memory": Turn(0, 4), "policy": Turn(4, 4)}
    falling = ByPartSpec(FAST, AdamSpec(5e-3, "cosine"))
    built = dataclasses.replace(TINY, rule=spec, optimiser=falling, steps=10).build(seed=0)
    *_, last = updates(built, 8)
    assert all_are(-5e-3 * (0.99 / 2 + 0.01), last.policy)


@pytest.mark.slow
def test_both_may_learn_at_once():
    experiment = dataclasses.replace(TINY, rule=JointSpec(MEMUP, PPO, 0.5))
    built = experiment.build(seed=0)
    assert isinstance(built.rule, rules.Combined) and built.rule.decay == 0.5
    (changes,) = updates(built, 1)
    assert all_are(-5e-3, changes)
    assert experiment.rule.updates_per_batch(built.task) == 4


def test_what_is_built():
    free = TINY.replace("model.forget_bias", None)
    built = free.choose({"rule": "pretrained-truncated"}).build(seed=0)
    assert isinstance(built.rule.first.rule, rules.Truncated) and built.rule.first.rule.rollout == 4
    long = free.replace("task.length", 1000).replace("rule.memory", MemUPSpec(4, frequency=1, scan_chunk=500))
    long = long.build(seed=0)
    for agent, bias in ((built.model, 1.0), (long.model, float(jnp.log(200.0)))):
        biases = agent.memory.cell.bias.reshape(4, 16)
        assert jnp.allclose(biases[0], -bias) and jnp.allclose(biases[1], bias)
    memup = long.rule.first.rule
    assert (memup.rollout, memup.targets, memup.frequency, memup.scan_chunk) == (4, 1, 1, 334)
    inputs = jnp.arange(8.0)
    slopes = jax.jacobian(built.model.memory.encoder)(inputs)
    assert not bool(slopes[:, 6:].any()), "the memory must not see the action before it is taken"
    question = jax.jacobian(built.model.memory.question)(inputs)
    assert not bool(question[:, 3:6].any())
    assert [layer.weight.shape[0] for layer in built.model.policy.actor] == [16, 16, 2]


def test_the_memory_may_learn_by_any_rule_for_long_term_memories():
    experiment = TINY.choose({"rule.memory": "bptt"})
    assert experiment.rule.memory == BPTTSpec()
    assert isinstance(experiment.build(seed=0).rule.first.rule, rules.Gradient)
    assert "oracle-targets" in fitting(TINY, "rule.memory", "rule")
    assert not {"gradient", "pretrained", "joint"} & {*fitting(TINY, "rule.memory", "rule")}


def test_a_rule_by_name_takes_over_the_settings_of_both_parts():
    paper = TMAZE.preset("paper")
    joint = paper.choose({"rule": "joint"}).rule
    assert (joint.memory, joint.policy) == (paper.rule.memory, paper.rule.policy)
    assert paper.choose({"rule": "pretrained-truncated"}).rule.memory == TruncatedSpec(rollout=20)
    assert paper.choose({"rule.memory": "truncated"}).rule.memory == TruncatedSpec(rollout=20)


def test_what_the_catalogue_holds():
    assert {"small", "cpu", "paper"} == TMAZE.presets.keys() == TMAZE.durations.keys()
    assert [experiment.task.length for experiment in TMAZE.presets.values()] == [100, 1000, 10_000]
    assert TMAZE.preset("small").summary() == {"corridor": "100 to 110", "rollout": "10"}


OLD = {
    "length": 100,
    "jitter": 10,
    "hidden": 64,
    "features": 64,
    "width": 128,
    "heads": 64,
    "keep": None,
    "training": {"kind": "Pretrained", "updates": 2000, "rule": "memup"},
    "rollout": 10,
    "targets": 1,
    "frequency": 1,
    "ppo": dataclasses.asdict(ProximalSpec()),
    "memory_optimiser": {"rate": 0.001, "decay": "constant", "warmup": 0},
    "policy_optimiser": {"rate": 0.001, "decay": "cosine", "warmup": 0},
    "steps": 3000,
    "batch": 64,
}
"""The options of the preset small in a `config.yaml` of version 0.1."""


def converted(**changes):
    return from_plain(Experiment, NAMES["tmaze"].convert("tmaze", {**OLD, **changes}), where="x")


def test_a_configuration_of_version_0_1_means_what_it_meant():
    small = TMAZE.preset("small")
    assert converted() == small
    truncated = converted(training={"kind": "Pretrained", "updates": 7, "rule": "truncated"}, rollout=6).rule
    assert truncated == PretrainedSpec(TruncatedSpec(rollout=6), ProximalSpec(), 7)
    joint = converted(training={"kind": "Joint", "decay": 0.8}, frequency=2, targets=3, keep=2.5)
    assert joint.rule == JointSpec(MemUPSpec(10, 3, 2, scan_chunk=500), ProximalSpec(), 0.8)
    assert joint.model == AgentSpec(forget_bias=2.5)


@pytest.mark.parametrize(
    ("typed", "told", "path", "value"),
    [
        (["--training", "truncated"], "--training is now --rule pretrained-truncated", "rule", None),
        (["--training.updates", "5"], "--training.updates is now --rule.updates", "rule.updates", 5),
        (["--ppo.epochs", "7"], "--ppo.epochs is now --rule.policy.epochs", "rule.policy.epochs", 7),
        (["--keep", "2"], "--keep is now --model.forget-bias", "model.forget_bias", 2.0),
        (["--batch", "8"], "--batch is now --batch-size", "batch_size", 8),
        (["--rollout", "20"], "", "rule.memory.rollout", 20),
        (["--length", "50"], "", "task.length", 50),
    ],
)
def test_options_of_version_0_1_are_understood(typed, told, path, value, capsys):
    found = parse("run", ["tmaze", *typed], RunSettings).experiment
    assert told in capsys.readouterr().err
    for step in path.split("."):
        found = getattr(found, step)
    assert found == (AGENT_RULES["pretrained-truncated"] if value is None else value)


@pytest.mark.slow
def test_a_rule_without_a_policy_is_refused_on_the_command_line():
    with pytest.raises(UsageError, match="model agent provides agent. Rules for this model: joint"):
        parse("run", ["tmaze", "--rule", "memup"], RunSettings)
