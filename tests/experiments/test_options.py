import dataclasses

import pytest
import yaml

from vestige.errors import UsageError
from vestige.experiments import CATALOGUE, find
from vestige.experiments.optimisers import Adam, Muon
from vestige.experiments.serial import from_plain, to_plain
from vestige.experiments.temporal import MEMORIES, Gradient, Images, Introspection, NoMemory, PerfectRecall, Temporal


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("preset", ["small", "cpu", "paper"])
def test_presets_survive_yaml(name, preset):
    options = find(name).preset(preset)
    text = yaml.safe_dump(to_plain(options))
    assert from_plain(type(options), yaml.safe_load(text), where="config.yaml") == options


@pytest.mark.parametrize("memory", MEMORIES.values(), ids=MEMORIES)
def test_every_memory_survives(memory):
    options = Temporal(memory=memory)
    assert from_plain(Temporal, to_plain(options), where="x") == options


def test_a_file_of_another_version_is_named():
    plain = to_plain(Temporal())
    plain["extra"] = 1
    with pytest.raises(UsageError, match=r"config\.yaml was written by another version"):
        from_plain(Temporal, plain, where="config.yaml")
    plain = to_plain(Temporal())
    plain["memory"]["kind"] = "Tape"
    with pytest.raises(UsageError, match="memory has unknown kind 'Tape'"):
        from_plain(Temporal, plain, where="config.yaml")
    plain = to_plain(Temporal())
    plain["task"]["k"] = 99
    with pytest.raises(UsageError, match="k <= l; got l=10, k=99"):
        from_plain(Temporal, plain, where="config.yaml")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PerfectRecall(l=0), "l must be at least 1, got 0"),
        (lambda: PerfectRecall(k=-1), "k must be at least 1, got -1"),
        (lambda: PerfectRecall(l=3, k=4), "k <= l; got l=3, k=4"),
        (lambda: Introspection(slots=0), "slots must be at least 1, got 0"),
        (lambda: Introspection(heads=0), "heads must be at least 1, got 0"),
        (lambda: Gradient(clip=0.0), "clip must be positive, got 0"),
        (lambda: Adam(rate=-1.0), "rate must be positive, got -1"),
        (lambda: Temporal(batch=0), "batch must be at least 1, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_value(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'perfect-recall'"):
        find("perfct-recall")
    with pytest.raises(UsageError, match="Did you mean 'small'"):
        find("perfect-recall").preset("smal")


def test_published_numbers_stand_beside_their_setting():
    entry = find("perfect-recall")
    ten = entry.published(entry.preset("paper"))
    assert ten["metrics"]["Introspective"]["kl_last"] == 0.0
    assert ten["metrics"]["VRNN"]["negative_bound"] == 83.0
    other = dataclasses.replace(entry.preset("small"), task=PerfectRecall(l=7))
    assert entry.published(other) == {}


class TestModels:
    """What the options build."""

    def build(self, options):
        import jax

        task = dataclasses.replace(options.task, images=Images()).build()
        return options.model.build(task, options.memory, likelihood=options.task.likelihood(), key=jax.random.key(0))

    def count(self, options):
        from vestige.models.temporal import count_parameters, shapes

        build = lambda: self.build(options)
        return count_parameters(shapes(build))

    @pytest.mark.parametrize("memory", MEMORIES.values(), ids=MEMORIES)
    def test_parameter_counts_agree(self, memory):
        reference = self.count(Temporal())
        assert abs(self.count(Temporal(memory=memory)) - reference) <= 0.015 * reference

    @pytest.mark.parametrize(
        "options",
        [
            Temporal(memory=Introspection(heads=2)),
            Temporal(memory=Introspection(include_controller_state=True)),
            Temporal(memory=NoMemory("full")),
        ],
    )
    def test_options_reach_the_model(self, options):
        model = self.build(options)
        if isinstance(options.memory, NoMemory):
            assert model.decoder_sees_context
            assert model.transition_sees_frame
        else:
            assert model.memory.heads == options.memory.heads
            assert model.memory.include_controller_state == options.memory.include_controller_state
            assert model.memory.slots == 15


def test_muon_moves_every_direction_of_a_matrix_alike():
    """A gradient with singular values 1 and 1/100 becomes an update with two that are much alike; a vector is left to
    Adam. Rates count as Adam's do: a root mean square of 0.2 for each entry."""
    import jax.numpy as jnp
    import numpy as np

    optimiser = Muon(rate=1.0, decay="constant", warmup=0).build(10)
    parameters = {"matrix": jnp.zeros((2, 2)), "vector": jnp.zeros(2)}
    gradient = {"matrix": jnp.diag(jnp.array([1.0, 0.01])), "vector": jnp.array([1.0, -0.01])}
    update, _ = optimiser.update(gradient, optimiser.init(parameters), parameters)
    values = np.linalg.svd(np.asarray(update["matrix"]), compute_uv=False)
    assert 0.6 < values[1] / values[0] <= 1.0
    assert 0.1 < np.sqrt(np.mean(np.square(update["matrix"]))) < 0.3
    np.testing.assert_allclose(update["vector"][0], -update["vector"][1], rtol=1e-3)
    assert -2.0 < float(update["vector"][0]) < -0.9
