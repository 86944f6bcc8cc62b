"""Experiments with filters, from specifications to a finished folder."""

import dataclasses
import inspect
import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from vestige.cli.compare import variants
from vestige.cli.parse import RunSettings, parse
from vestige.data.tables.options import ReadOptions
from vestige.errors import UsageError
from vestige.estimators import BiasedStraightThrough, LeaveOneOut
from vestige.experiments.catalogue.filtering import FILTERING
from vestige.experiments.experiment import Experiment
from vestige.models.families import Bernoulli, Poisson, UnitGaussian
from vestige.models.filters.specs import FILTERS, BitsRVAESpec, FactorSpec, RVAESpec, StraightRVAESpec
from vestige.models.harmonium.specs import HARMONIUMS, DeepHarmoniumSpec, REFHSpec, RTRBMSpec, TRBMSpec
from vestige.plain import from_plain, name_of, to_plain
from vestige.registries import registry
from vestige.report import write_report
from vestige.rules import (
    ContrastiveDivergence,
    JointTarget,
    MultiStepTarget,
    Shuffled,
    TemporallyLocal,
    ThroughTime,
    TransitionTarget,
)
from vestige.rules.local_specs import (
    LOCAL_RULES,
    LocalSpec,
    MultiStepSpec,
    ShuffledSpec,
    ThroughTimeSpec,
    TransitionSpec,
)
from vestige.runs.execution import execute
from vestige.spec import load
from vestige.tasks.filtering.momentum_groups import FILMS, LETTERS, MOTION, NOTES, PLANE, POPULATION
from vestige.tasks.filtering.specs import (
    FILTERING_TASKS,
    BallsSpec,
    MotionSpec,
    MusicSpec,
    PlacesSpec,
    RecordingsSpec,
    RingSpec,
    SensorsSpec,
    TextSpec,
)
from vestige.training.optimisers import AdamSpec, MassSpringDamperSpec

RING = RingSpec(length=40)
MODELS = {**HARMONIUMS, **FILTERS}
ENTRIES = {entry.name: entry for entry in FILTERING}


def tiny(task=RING, model=REFHSpec(5), rule=None, optimiser=None, **options):
    sizes = {"steps": 2, "batch_size": 2, "eval_size": 2, "num_evals": 1, **options}
    chosen = {"rule": rule, "optimiser": optimiser}
    return Experiment(task, model, **{part: spec for part, spec in chosen.items() if spec is not None}, **sizes)


def build(*parts, **options):
    return tiny(*parts, **options).build(seed=0)


def step_of(components):
    """One update's gradients."""
    batch = components.task.batch(size=2, key=jax.random.key(0))
    carry = components.rule.init(components.model, batch, key=jax.random.key(1))
    return eqx.filter_jit(components.rule.step)(components.model, carry, batch, key=jax.random.key(2)).grads


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("rule", [None, *LOCAL_RULES.values()], ids=["default", *LOCAL_RULES])
def test_options_survive_yaml(model, rule):
    experiment = tiny(model=model, rule=rule, optimiser=MassSpringDamperSpec(upper=3.0))
    text = yaml.safe_dump(to_plain(experiment))
    assert from_plain(Experiment, yaml.safe_load(text), where="x") == experiment


@pytest.mark.parametrize("entry", FILTERING, ids=lambda entry: entry.name)
def test_presets_survive_yaml(entry):
    for experiment in entry.presets.values():
        assert from_plain(Experiment, yaml.safe_load(yaml.safe_dump(to_plain(experiment))), where="x") == experiment


def constructor(part):
    return inspect.signature(load(part)).parameters


@pytest.mark.parametrize(
    ("spec", "part", "aside"),
    [
        (RVAESpec(), RVAESpec.part, {"hidden", "horizon", "floor", "normalised", "noise"}),
        (
            RVAESpec(),
            "vestige.models.filters.latents:Numbers",
            {"hidden", "width", "weight", "horizon", "longest", "noise"},
        ),
        (REFHSpec(), "vestige.rules:ContrastiveDivergence", {"hidden", "chains", "annealing"}),
        (
            REFHSpec(),
            "vestige.models.harmonium:AnnealedLikelihood",
            {"hidden", "sweeps", "noise", "sampled", "sparsity", "activity", "annealing"},
        ),
        (LocalSpec(), LocalSpec.part, set()),
        (TransitionSpec(), TransitionSpec.part, set()),
        (MultiStepSpec(), MultiStepSpec.part, {"target"}),
        (ThroughTimeSpec(), ThroughTimeSpec.part, {"target"}),
        (SensorsSpec(), SensorsSpec.part, {"sensors"}),
        (BallsSpec(), BallsSpec.part, set()),
        (RingSpec(), "vestige.tasks.filtering:ring_1d", {"variant"}),
        (MusicSpec(), "vestige.tasks.filtering:piano_rolls", {"corpus"}),
        (MotionSpec(), "vestige.tasks.filtering:motion_capture", {"recording"}),
        (TextSpec(), "vestige.tasks.filtering:characters", {"text"}),
        (PlacesSpec(), "vestige.tasks.filtering:place_cells", {"recording"}),
        (
            RecordingsSpec(),
            "vestige.tasks.filtering:custom_recordings",
            {"path", "values", "inputs", "outcomes", "document", "incomplete"}
            | {field.name for field in dataclasses.fields(ReadOptions)},
        ),
    ],
    ids=lambda value: type(value).__name__ if dataclasses.is_dataclass(value) else "",
)
def test_options_have_the_names_and_defaults_of_the_constructor(spec, part, aside):
    known = constructor(part)
    for field in dataclasses.fields(spec):
        if field.name not in aside:
            assert known[field.name].default == field.default, field.name


@pytest.mark.parametrize(
    ("model", "rule", "target"),
    [
        (REFHSpec(5), TemporallyLocal, JointTarget),
        (TRBMSpec(5), TemporallyLocal, TransitionTarget),
        (DeepHarmoniumSpec(5, below=4, layers=2), TemporallyLocal, JointTarget),
        (RTRBMSpec(5), ThroughTime, TransitionTarget),
        (RVAESpec(4, width=5), TemporallyLocal, MultiStepTarget),
        (RVAESpec(4, width=5, horizon=0), TemporallyLocal, JointTarget),
        (BitsRVAESpec(4, width=5), TemporallyLocal, MultiStepTarget),
    ],
    ids=["refh", "trbm", "deep", "rtrbm", "rvae", "rvae that predicts nothing", "rvae of bits"],
)
@pytest.mark.few(1)
def test_a_models_name_stands_for_its_rule(model, rule, target):
    built = build(model=model).rule
    assert type(built) is rule and type(built.target) is target


@pytest.mark.parametrize("name", MODELS)
def test_saying_a_default_by_its_name_changes_nothing(name):
    """Today's rule and optimiser of each model, whatever the model was before."""
    for start in (tiny(), tiny(model=RVAESpec(4, 5))):
        unsaid = start.choose({"model": name})
        for part in ("rule", "optimiser"):
            said = name_of(getattr(unsaid, part))
            assert unsaid.choose({part: said}) == unsaid
            assert start.choose({"model": name, part: said}) == unsaid


def test_a_harmonium_is_not_clipped_and_other_models_are():
    for name, model in MODELS.items():
        clip = None if name in HARMONIUMS else 5.0
        chosen = tiny(SensorsSpec(), model)
        assert chosen.rule.clip == clip
        rules = [rule for rule in LOCAL_RULES if rule != name_of(chosen.rule)]
        assert {chosen.choose({"rule": rule}).rule.clip for rule in rules} == {clip}


def test_what_was_said_to_a_rule_goes_on_to_the_next():
    """Steps of an update where it has them, so that rules and models are compared alike; all of a rule of that name."""
    start = tiny(model=RVAESpec(4, 5), rule=MultiStepSpec(5.0, 10, target="transition"))
    assert start.choose({"rule": "local"}).rule == LocalSpec(5.0, 10)
    assert start.choose({"rule": "shuffled"}).rule == ShuffledSpec(5.0)
    assert start.choose({"model": "refh"}).rule == LocalSpec(None, 10)
    assert start.choose({"model": "rtrbm"}).rule == ThroughTimeSpec()
    assert start.choose({"model": "rvae-bits"}).rule == start.rule
    slow = tiny(SensorsSpec(), FactorSpec(), LocalSpec(5.0, 10, 0.9))
    assert slow.choose({"model": "refh"}).rule == LocalSpec(None, 10, 0.9)
    assert start.choose({"model": "refh", "rule": "transition"}).rule == TransitionSpec(None, 10)
    kept = tiny(model=RVAESpec(4, 5), optimiser=AdamSpec(2e-3)).choose({"model": "refh"})
    assert kept.optimiser == AdamSpec(2e-3)
    assert kept.choose({"optimiser": "muon"}).optimiser == registry("optimiser")["muon"]


def test_options_of_contrastive_divergence_reach_the_rule():
    assert build(model=TRBMSpec(5, sweeps=2, noise=0.1, sampled=True)).rule.objective == ContrastiveDivergence(
        2, 0.1, True
    )


def test_options_of_the_likelihood_reach_the_model():
    for model in (REFHSpec(5, chains=3, annealing=7), DeepHarmoniumSpec(5, chains=3, annealing=7)):
        made = build(model=model).model
        likelihood = made.likelihood if isinstance(model, REFHSpec) else made.top.likelihood
        assert (likelihood.chains, likelihood.steps) == (3, 7)


def test_options_of_a_recurrent_autoencoder_reach_it():
    made = build(model=RVAESpec(4, 5, weight=2.0, horizon=3, longest=8.0, floor=0.2, normalised=True)).model
    assert (made.hidden, made.trunk.out_features, made.weight, made.lags) == (4, 5, 2.0, (1, 2, 4))
    assert (made.state.floor, made.state.normalised) == (0.2, True)
    np.testing.assert_allclose(-1 / np.log(jax.nn.sigmoid(made.keep))[-1], 8.0, rtol=1e-4)


@pytest.mark.slow
def test_layers_between_bits_have_a_mass_of_their_own():
    """One update by equal gradients: a step is 1 / (growth mass), and the first growth is 1.1."""
    built = build(model=DeepHarmoniumSpec(5, below=4, layers=2))
    parameters = eqx.filter(built.model, eqx.is_inexact_array)
    spec = MassSpringDamperSpec(input_weights=100.0, hidden_bias=300.0, state_weights=20.0, upper=40.0)
    optimiser = spec.build(50, task=built.task, rule=None)
    gradients = jax.tree.map(jnp.ones_like, parameters)
    moved, _ = optimiser.update(gradients, optimiser.init(parameters), parameters)
    mass = lambda leaf: float(jnp.median(-1 / (1.1 * leaf)))
    lowest, second = moved.below
    found = [mass(x) for x in (lowest.weights, lowest.hidden_bias, second.weights, second.visible_bias)]
    np.testing.assert_allclose(found, [100, 300, 40, 40], rtol=1e-3)
    top = [mass(x) for x in (moved.top.input_weights, moved.top.state_weights, moved.top.hidden_bias)]
    np.testing.assert_allclose(top, [40, 20, 40], rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("ring", POPULATION),
        ("sensors", POPULATION),
        ("balls", FILMS),
        ("motion", MOTION),
        ("music", NOTES),
        ("text", LETTERS),
        ("places", POPULATION),
        ("recordings", POPULATION),
    ],
)
@pytest.mark.few(1)
def test_a_task_knows_its_momentum_groups(name, groups, key, tmp_path, monkeypatch):
    monkeypatch.delenv("VESTIGE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert FILTERING_TASKS[name].dummy_build(key=key).momentum_groups == groups


def test_momentum_groups_follow_what_is_observed(tmp_path):
    assert RingSpec("two-dimensional", 40).build(seed=0).momentum_groups == PLANE
    values = np.random.default_rng(0).integers(0, 2, (40, 3))
    for dtype, groups in ((bool, NOTES), (np.uint8, POPULATION), (np.float32, MOTION)):
        np.save(tmp_path / "a.npy", values.astype(dtype))
        assert RecordingsSpec(str(tmp_path / "a.npy"), length=5).build(seed=0).momentum_groups == groups


def test_the_optimiser_takes_the_groups_of_the_data_but_what_it_is_given(monkeypatch):
    taken = []
    monkeypatch.setattr("vestige.training.harmonium_momentum.harmonium_momentum", lambda *of: taken.append(of))
    balls = BallsSpec(2, 6, 8)
    build(balls, REFHSpec(4))
    build(balls, REFHSpec(4), optimiser=MassSpringDamperSpec(epoch=7, input_bias=3.0), steps=9)
    assert taken == [(FILMS, 2), (FILMS._replace(epoch=7, input_bias=3.0), 9)]


def test_the_mass_spring_damper_is_refused_to_other_models():
    other = registry("experiment")["perfect-recall"].preset("small")
    with pytest.raises(ValueError, match="one for recurrent harmoniums, which learn by .* got GradientSpec"):
        other.choose({"optimiser": "mass-spring-damper"})
    with pytest.raises(ValueError, match="recurrent harmoniums on observations, got the task NoneType"):
        MassSpringDamperSpec().build(9, task=None, rule=LocalSpec())
    built = build(model=RVAESpec(4, 5), optimiser=MassSpringDamperSpec())
    parameters = eqx.filter(built.model, eqx.is_inexact_array)
    with pytest.raises(ValueError, match="recurrent harmoniums, got RecurrentVAE; take --optimiser adam"):
        built.optimiser.update(parameters, built.optimiser.init(parameters), parameters)


@pytest.mark.parametrize(
    ("model", "estimator"),
    [
        (BitsRVAESpec(4, width=5, draws=3), LeaveOneOut(3)),
        (StraightRVAESpec(4, width=5, draws=2), BiasedStraightThrough(draws=2)),
    ],
    ids=["leave one out", "straight through"],
)
@pytest.mark.slow
def test_bits_are_trained_by_an_estimator(model, estimator):
    built = build(model=model)
    assert built.model.latent.estimator == estimator
    slope = step_of(built).encoder.layers[0].weight
    assert bool(jnp.all(jnp.isfinite(slope))) and float(jnp.max(jnp.abs(slope))) > 0


@pytest.mark.parametrize(
    ("rule", "expected", "target"),
    [
        (LocalSpec(slow=0.9), TemporallyLocal, JointTarget),
        (TransitionSpec(), TemporallyLocal, TransitionTarget),
        (MultiStepSpec(update_interval=3), TemporallyLocal, MultiStepTarget),
        (ThroughTimeSpec(), ThroughTime, TransitionTarget),
        (ThroughTimeSpec(target="joint"), ThroughTime, JointTarget),
    ],
)
@pytest.mark.few(1)
def test_any_rule_can_be_chosen(rule, expected, target):
    built = build(model=RVAESpec(4, width=5), rule=rule)
    assert type(built.rule) is expected and type(built.rule.target) is target
    grads = jax.tree.leaves(eqx.filter(step_of(built), eqx.is_array))
    assert all(np.isfinite(g).all() for g in grads) and any(np.abs(g).max() > 0 for g in grads)


def test_options_of_a_rule_reach_it():
    made = lambda rule: build(model=RVAESpec(4, 5), rule=rule).rule
    local = made(LocalSpec(2.0, 3, 0.9))
    assert (local.clip, local.update_interval, local.slow) == (2.0, 3, 0.9)
    ahead = made(MultiStepSpec(2.0, 3, 0.9, "transition"))
    assert (ahead.clip, ahead.update_interval, ahead.slow, type(ahead.target.of)) == (2.0, 3, 0.9, TransitionTarget)
    assert type(made(MultiStepSpec()).target.of) is JointTarget
    shuffled = made(ShuffledSpec(2.0))
    assert type(shuffled) is Shuffled and (shuffled.of.clip, shuffled.of.update_interval) == (2.0, 1)
    unrolled = made(ThroughTimeSpec(2.0, 7))
    assert (unrolled.clip, unrolled.bptt_length) == (2.0, 7)


def test_updates_work_through_a_batch():
    task = RingSpec(length=40).build(seed=0)
    rules = (LocalSpec(), LocalSpec(update_interval=7), ShuffledSpec(), ThroughTimeSpec())
    assert [rule.updates_per_batch(task) for rule in rules] == [40, 6, 40, 2]
    assert [rule.steps_per_update for rule in rules] == [1, 7, 1, 20]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: build(rule=MultiStepSpec()), "rule multi-step: the model predicts no later step; take --rule local"),
        (lambda: build(model=FactorSpec()), "observations must be real numbers, got Poisson"),
        (lambda: REFHSpec(0), "hidden must be at least 1, got 0"),
        (lambda: ThroughTimeSpec(bptt_length=1), "bptt_length must be at least 2, .* got 1; for one step take"),
        (lambda: LocalSpec(update_interval=0), "update_interval must be at least 1, got 0"),
        (lambda: LocalSpec(clip=0.0), "clip must be positive, got 0"),
        (lambda: DeepHarmoniumSpec(layers=0), "layers must be at least 1, got 0"),
        (lambda: REFHSpec(noise=1.5), r"noise must be in \[0, 1\], got 1.5"),
        (lambda: RVAESpec(1), "hidden must be at least 2, got 1"),
        (lambda: RVAESpec(floor=0.0), "floor must be positive, got 0"),
        (lambda: BitsRVAESpec(draws=1), "draws must be at least 2, got 1"),
        (lambda: LocalSpec(slow=1.0), r"slow must be in \[0, 1\), got 1.0"),
        (lambda: SensorsSpec(decay=1.0), r"decay must be in \(0, 1\), got 1.0"),
        (lambda: TextSpec("shakespear"), "text: data set 'shakespear' is unknown"),
        (lambda: TextSpec("mnist"), "text: data set 'mnist' is not a text"),
        (lambda: MassSpringDamperSpec(state_bias=0.0), "state_bias must be positive, got 0"),
        (lambda: tiny(eval_size=1), "eval_size must be at least 2, got 1"),
        (lambda: tiny(num_evals=0), "num_evals must be at least 1, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(build, message):
    with pytest.raises((ValueError, UsageError), match=message):
        build()


def test_a_custom_file_says_by_its_type_what_it_holds(tmp_path):
    held = lambda path, **options: type(build(RecordingsSpec(str(path), length=5, **options)).task.family)
    bits = np.random.default_rng(0).integers(0, 2, (40, 3))
    for dtype, family in ((bool, Bernoulli), (np.uint8, Poisson), (np.float32, UnitGaussian)):
        np.save(tmp_path / "a.npy", bits.astype(dtype))
        assert held(tmp_path / "a.npy") is family
    assert held(tmp_path / "a.npy", values="bits") is Bernoulli
    with pytest.raises(UsageError, match="gone.npy: there is no such file"):
        held(tmp_path / "gone.npy")
    with pytest.raises(ValueError, match=r"held_out must be in \(0, 1\), got 1.0"):
        RecordingsSpec(held_out=1.0)


def test_names_on_the_command_line_are_models_and_rules():
    small = ENTRIES["ring-tracking"].preset("small")
    assert [member.model for member in variants(small, "model", "ring-tracking")[1].values()] == list(MODELS.values())
    by_rule = variants(small, "rule=local,bptt", "ring-tracking")[1]
    assert [member.rule for member in by_rule.values()] == [LocalSpec(), ThroughTimeSpec()]
    assert list(by_rule) == ["local", "through-time"]
    by_chunk = variants(small, "chunk=1,10", "ring-tracking")[1]
    assert [member.rule for member in by_chunk.values()] == [LocalSpec(), LocalSpec(None, 10)]


@pytest.mark.parametrize("entry", FILTERING, ids=lambda entry: entry.name)
def test_every_entry_is_evaluated_by_a_metric_of_its_task(entry):
    """By the name that its task gives it; data are not needed to know it."""
    assert entry.preset("small").task.metric in registry("metric")


def test_published_numbers_are_those_of_the_same_films():
    entry = ENTRIES["bouncing-balls"]
    assert set(entry.published(entry.preset("small"))["metrics"]) == {"RTRBM", "RNN-RBM"}
    assert set(entry.published(entry.preset("paper"))["metrics"]) == {"RTRBM", "structured RTRBM", "DTSBN"}
    assert entry.published(tiny(BallsSpec(2))) == {}
    music = ENTRIES["music"]
    assert music.published(tiny(MusicSpec("piano-midi")))["metrics"]["RTRBM"] == {"log_likelihood": -7.36}


@pytest.mark.parametrize(
    ("task", "steps", "units"),
    [
        (MusicSpec(length=9), 9, 88),
        (MotionSpec(length=7), 7, 46),
        (MotionSpec(length=7, changes=True), 7, 92),
        (TextSpec(length=20), 20, 64),
        (PlacesSpec(length=8), 8, 27),
    ],
    ids=lambda value: type(value).__name__,
)
def test_noise_stands_in_for_recordings(task, steps, units, tmp_path, monkeypatch, key):
    monkeypatch.delenv("VESTIGE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = task.dummy_build(key=key)
    assert (made.steps, made.width) == (steps, units)
    with pytest.raises(UsageError):
        task.build(seed=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "experiment", "arrays"),
    [
        ("ring-tracking", tiny(), {"filter_seen", "filter_generated", "receptive_fields", "delayed_r2"}),
        (
            "sensor-fusion",
            tiny(SensorsSpec(length=30), FactorSpec(), optimiser=AdamSpec(decay="constant")),
            {"filter_seen", "filter_state", "filter_denoised", "filter_predicted"},
        ),
        (
            "bouncing-balls",
            tiny(BallsSpec(2, 6, 8), DeepHarmoniumSpec(4, below=3, sampled=True)),
            {"frames", "predicted", "sampled", "filter_state"},
        ),
    ],
)
def test_a_run_leaves_metrics_and_pictures(name, experiment, arrays, tmp_path):
    execute(ENTRIES[name], experiment, preset="small", seed=0, folder=tmp_path / "run", command="x")
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert experiment.task.metric in results["metrics"] and experiment.task.metric in results["bounds"]
    with np.load(tmp_path / "run" / "evaluation.npz") as kept:
        assert arrays <= set(kept)
    page = write_report(tmp_path / "run").read_text()
    assert "What it makes of what it sees" in page


class TestVersionOne:
    """Folders and command lines of version 0.1."""

    OLD = Path(__file__).parent / "version_one_filtering.yaml"

    def folder(self, tmp_path, name, **changed):
        from vestige.runs.folder import CONFIG

        config = yaml.safe_load(self.OLD.read_text())
        config["options"] |= changed
        config["experiment"] = name
        (tmp_path / CONFIG).write_text(yaml.safe_dump(config))
        return tmp_path

    def read(self, tmp_path, name="ring-tracking", **changed):
        from vestige.runs.config import recorded

        return recorded(self.folder(tmp_path, name, **changed)).experiment

    def test_a_folder_means_what_it_meant(self, tmp_path):
        assert self.read(tmp_path) == dataclasses.replace(ENTRIES["ring-tracking"].preset("small"), steps=200)

    def test_choices_left_to_the_model_are_its_own(self, tmp_path):
        rvae = {"kind": "RVAE", "hidden": 4, "width": 5, "weight": 1.0, "horizon": 2, "longest": 64.0, "floor": 0.1}
        rvae["normalised"] = False
        read = self.read(tmp_path, model=rvae, chunk=10)
        assert read.rule == MultiStepSpec(5.0, 10, target="transition") and read.optimiser == AdamSpec()
        assert self.read(tmp_path, model={**rvae, "horizon": 0}).rule == LocalSpec(5.0)

    @pytest.mark.parametrize(
        ("old", "chunk", "rule"),
        [
            ({"kind": "Foresight", "clip": 5.0, "pair": True}, 3, MultiStepSpec(5.0, 3)),
            ({"kind": "Foresight", "clip": 1.0, "pair": False}, 1, MultiStepSpec(1.0, target="transition")),
            ({"kind": "ThroughTime", "clip": None, "reading": "pair"}, 9, ThroughTimeSpec(None, 9, "joint")),
            ({"kind": "ThroughTime", "clip": 5.0, "reading": "transition"}, 20, ThroughTimeSpec(5.0)),
            ({"kind": "Shuffled", "clip": 5.0}, 1, ShuffledSpec(5.0)),
            ({"kind": "Local", "clip": 5.0, "slow": 0.9}, 2, LocalSpec(5.0, 2, 0.9)),
            ({"kind": "TransitionOnly", "clip": None}, 2, TransitionSpec(None, 2)),
        ],
    )
    def test_rules_are_read(self, tmp_path, old, chunk, rule):
        assert self.read(tmp_path, rule=old, chunk=chunk).rule == rule

    def test_the_masses_that_were_told_are_kept(self, tmp_path):
        told = {"kind": "MassSpringDamper", "schedule": "hyperbolic", "epoch": None, "state_weights": 1.0}
        told |= {"input_weights": 2.0, "state_bias": 3.0, "input_bias": 4.0, "hidden_bias": 5.0, "upper": 6.0}
        read = self.read(tmp_path, optimiser=told).optimiser
        assert read == MassSpringDamperSpec("hyperbolic", 4, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)

    @pytest.mark.parametrize(
        ("name", "old", "task"),
        [
            ("sensor-fusion", {"kind": "Sensors", "sensors": 3, "decay": 0.5, "time": 9}, SensorsSpec(3, 0.5, 9)),
            ("bouncing-balls", {"kind": "Balls", "balls": 2, "resolution": 9, "time": 7}, BallsSpec(2, 9, 7)),
            ("music", {"kind": "Music", "corpus": "piano-midi", "time": 9}, MusicSpec("piano-midi", 9)),
            (
                "mocap",
                {"kind": "Motion", "recording": "exercises", "nth": 2, "changes": True, "time": 9},
                MotionSpec("exercises", 2, True, 9),
            ),
            ("text", {"kind": "Text", "text": "war-and-peace", "time": 9}, TextSpec("warandpeace", 9)),
            (
                "hippocampus",
                {"kind": "Places", "recording": "w-maze", "bin": 0.5, "time": 9},
                PlacesSpec("w-maze", 0.5, 9),
            ),
            (
                "recordings",
                {"kind": "File", "path": "a.npy", "values": None, "held_out": 0.3, "leave_out": True, "time": 9}
                | {"changes": True},
                RecordingsSpec("a.npy", None, 0.3, True, True, 9),
            ),
        ],
    )
    def test_tasks_are_read(self, tmp_path, name, old, task):
        assert self.read(tmp_path, name, task=old).task == task

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ("--rule bptt --chunk 9", {"rule": ThroughTimeSpec(None, 9)}),
            ("--model rtrbm --chunk 9", {"model": RTRBMSpec(), "rule": ThroughTimeSpec(None, 9)}),
            ("--chunk 9", {"rule": LocalSpec(None, 9)}),
            (
                "--model rvae --rule foresight --rule.pair",
                {"model": RVAESpec(), "rule": MultiStepSpec(5.0), "optimiser": AdamSpec()},
            ),
            ("--rule bptt --rule.reading pair", {"rule": ThroughTimeSpec(target="joint")}),
            ("--task.time 50 --watched 2 --judged 9", {"task": RingSpec(length=50), "num_evals": 2, "eval_size": 9}),
            ("--batch 3", {"batch_size": 3}),
        ],
    )
    def test_command_lines_are_understood_with_a_notice(self, words, expected, capsys):
        found = parse("run", ["ring-tracking", *words.split()], RunSettings).experiment
        assert found == dataclasses.replace(ENTRIES["ring-tracking"].preset("small"), **expected)
        assert capsys.readouterr().err.count("note: --") >= 1

    def test_a_text_by_its_old_name(self, capsys):
        found = parse("run", ["text", "--task.text", "shakespeare"], RunSettings).experiment
        assert found == ENTRIES["text"].preset("small")
        assert "note: --task.text is now --task.text tinyshakespeare" in capsys.readouterr().err


def test_a_short_name_is_enough_and_a_default_by_name_is_no_change():
    small = ENTRIES["ring-tracking"].preset("small")
    read = lambda words: parse("run", ["ring-tracking", *words.split()], RunSettings).experiment
    assert read("--rule local") == read("--optimiser mass-spring-damper") == read("--model refh") == small
    assert read("--update-interval 4").rule == LocalSpec(None, 4)
    assert read("--model rvae --rule local").rule == LocalSpec(5.0)
