"""Experiments with filters, from options to findings."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from vestige.cli.compare import variants
from vestige.errors import UsageError
from vestige.estimators import BiasedStraightThrough, LeaveOneOut
from vestige.experiments import find
from vestige.experiments.construct import construct
from vestige.experiments.execute import execute
from vestige.experiments.filtering.entries import FILTERING
from vestige.experiments.filtering.masses import FILMS, LETTERS, MOTION, NOTES, PLANE, POPULATION
from vestige.experiments.filtering.models import MODELS, REFH, RTRBM, RVAE, TRBM, BinaryRVAE, Deep, Factor, StraightRVAE
from vestige.experiments.filtering.options import Filtering
from vestige.experiments.filtering.rules import RULES, Foresight, Local, Shuffled, ThroughTime, TransitionOnly
from vestige.experiments.filtering.tasks import Balls, File, Ring, Sensors
from vestige.experiments.optimisers import Adam, MassSpringDamper
from vestige.experiments.serial import from_plain, to_plain
from vestige.models.families import Bernoulli, Poisson, UnitGaussian
from vestige.report import write_report
from vestige.rules import Contrastive, Pair, TemporallyLocal, Transition
from vestige.rules import Foresight as Foreseeing
from vestige.rules import ThroughTime as Unrolled

RING = Ring(time=40)


def tiny(task=RING, model=REFH(5), **options):
    return Filtering(task, model, **{"chunk": 3, "steps": 2, "batch": 2, "judged": 2, "watched": 1, **options})


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_options_survive_yaml(model, rule):
    options = tiny(model=model, rule=rule, optimiser=MassSpringDamper())
    assert from_plain(Filtering, yaml.safe_load(yaml.safe_dump(to_plain(options))), where="x") == options


@pytest.mark.parametrize(
    ("model", "rule", "reading"),
    [
        (REFH(5), TemporallyLocal, Pair),
        (TRBM(5), TemporallyLocal, Transition),
        (Deep(5, below=4, layers=2), TemporallyLocal, Pair),
        (RTRBM(5), Unrolled, Transition),
        (RVAE(4, width=5), TemporallyLocal, Foreseeing),
        (RVAE(4, width=5, horizon=0), TemporallyLocal, Pair),
        (BinaryRVAE(4, width=5), TemporallyLocal, Foreseeing),
    ],
    ids=["refh", "trbm", "deep", "rtrbm", "rvae", "rvae without foresight", "rvae of bits"],
)
def test_a_models_name_stands_for_its_rule(model, rule, reading):
    built = construct(tiny(model=model), seed=0).rule
    assert type(built) is rule and type(built.reading) is reading


def test_what_is_said_of_contrastive_divergence_reaches_the_rule():
    assert construct(tiny(model=TRBM(5, sweeps=2, noise=0.1, sampled=True)), seed=0).rule.fit == Contrastive(
        2, 0.1, True
    )


def test_the_state_may_be_told_normalised():
    heads = [construct(tiny(model=RVAE(4, 5, normalised=n)), seed=0).model.state for n in (False, True)]
    assert [head.normalised for head in heads] == [False, True]


def test_layers_between_bits_have_a_mass_of_their_own():
    """One update by equal gradients: a step is 1 / (growth mass), and the first growth is 1.1."""
    model = construct(tiny(model=Deep(5, below=4, layers=2)), seed=0).model
    parameters = eqx.filter(model, eqx.is_inexact_array)
    optimiser = MassSpringDamper(input_weights=100.0, hidden_bias=300.0, state_weights=20.0, upper=40.0).build(50)
    gradients = jax.tree.map(jnp.ones_like, parameters)
    moved, _ = optimiser.update(gradients, optimiser.init(parameters), parameters)
    mass = lambda leaf: float(jnp.median(-1 / (1.1 * leaf)))
    lowest, second = moved.below
    found = [mass(x) for x in (lowest.weights, lowest.hidden_bias, second.weights, second.visible_bias)]
    np.testing.assert_allclose(found, [100, 300, 40, 40], rtol=1e-3)
    top = [mass(x) for x in (moved.top.input_weights, moved.top.state_weights, moved.top.hidden_bias)]
    np.testing.assert_allclose(top, [40, 20, 40], rtol=1e-3)


def test_a_harmonium_takes_the_masses_of_its_data(monkeypatch):
    """By name, on any data; what is not a harmonium takes none."""
    of = lambda entry: entry.preset("small").task.masses(Poisson(3))
    assert {entry.name: of(entry) for entry in FILTERING if entry.name != "hippocampus"} == {
        "ring-tracking": POPULATION,
        "sensor-fusion": POPULATION,
        "bouncing-balls": FILMS,
        "mocap": MOTION,
        "music": NOTES,
        "text": LETTERS,
        "recordings": POPULATION,
    }
    assert [File().masses(family) for family in (UnitGaussian(3), Bernoulli(3))] == [MOTION, NOTES]
    assert Ring("two-dimensional").masses(Poisson(3)) == PLANE
    taken, build = [], MassSpringDamper.build
    monkeypatch.setattr(MassSpringDamper, "build", lambda self, steps: taken.append(self) or build(self, steps))
    construct(tiny(Balls(2, 6, 8), REFH(4)), seed=0)
    assert taken == [FILMS]
    assert REFH(5).optimiser(NOTES) == NOTES and RVAE().optimiser(NOTES) == Adam(1e-3, "cosine", 0)


@pytest.mark.parametrize(
    ("model", "estimator"),
    [(BinaryRVAE(4, width=5, draws=3), LeaveOneOut(3)), (StraightRVAE(4, width=5), BiasedStraightThrough())],
    ids=["leave one out", "straight through"],
)
def test_bits_are_trained_by_an_estimator(model, estimator):
    built = construct(tiny(model=model), seed=0)
    assert built.model.latent.estimator == estimator
    batch = built.task.batch(size=2, key=jax.random.key(0))
    carry = built.rule.init(built.model, batch, key=jax.random.key(1))
    step = eqx.filter_jit(built.rule.step)(built.model, carry, batch, key=jax.random.key(2))
    slope = step.grads.encoder.layers[0].weight
    assert bool(jnp.all(jnp.isfinite(slope))) and float(jnp.max(jnp.abs(slope))) > 0


@pytest.mark.parametrize(
    ("rule", "expected", "reading"),
    [
        (Local(slow=0.9), TemporallyLocal, Pair),
        (TransitionOnly(), TemporallyLocal, Transition),
        (Foresight(), TemporallyLocal, Foreseeing),
        (ThroughTime(), Unrolled, Transition),
        (ThroughTime(reading="pair"), Unrolled, Pair),
    ],
)
def test_any_rule_can_be_asked_for(rule, expected, reading):
    built = construct(tiny(model=RVAE(4, width=5), rule=rule), seed=0)
    assert type(built.rule) is expected and type(built.rule.reading) is reading
    batch = built.task.batch(size=2, key=jax.random.key(1))
    carry = built.rule.init(built.model, batch, key=jax.random.key(2))
    step = eqx.filter_jit(built.rule.step)(built.model, carry, batch, key=jax.random.key(3))
    grads = jax.tree.leaves(eqx.filter(step.grads, eqx.is_array))
    assert all(np.isfinite(g).all() for g in grads) and any(np.abs(g).max() > 0 for g in grads)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: construct(tiny(model=REFH(5), rule=Foresight()), seed=0), "the model foretells nothing"),
        (lambda: construct(tiny(model=Factor()), seed=0), "observations must be real numbers, got Poisson"),
        (lambda: REFH(0), "hidden must be at least 1, got 0"),
        (lambda: construct(tiny(model=RTRBM(5), chunk=1), seed=0), "rule bptt: .* at least 2, got 1; say --chunk 20"),
        (
            lambda: construct(tiny(rule=Shuffled(), chunk=2), seed=0),
            "rule shuffled: an update is one step, got chunk 2",
        ),
        (lambda: Deep(layers=0), "layers must be at least 1, got 0"),
        (lambda: REFH(noise=1.5), r"noise must be in \[0, 1\], got 1.5"),
        (lambda: RVAE(1), "hidden must be at least 2, got 1"),
        (lambda: Local(slow=1.0), r"slow must be in \[0, 1\), got 1.0"),
        (lambda: Sensors(decay=1.0), r"decay must be in \(0, 1\), got 1.0"),
        (lambda: tiny(judged=1), "judged must be at least 2, got 1"),
        (lambda: tiny(watched=0), "watched must be at least 1, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(build, message):
    with pytest.raises((ValueError, UsageError), match=message):
        build()


def test_a_file_of_ones_own_says_by_its_type_what_it_holds(tmp_path):
    held = lambda path, **options: type(construct(tiny(File(str(path), time=5, **options)), seed=0).task.family)
    bits = np.random.default_rng(0).integers(0, 2, (40, 3))
    for dtype, family in ((bool, Bernoulli), (np.uint8, Poisson), (np.float32, UnitGaussian)):
        np.save(tmp_path / "a.npy", bits.astype(dtype))
        assert held(tmp_path / "a.npy") is family
    assert held(tmp_path / "a.npy", values="bits") is Bernoulli
    with pytest.raises(UsageError, match="gone.npy: there is no such file"):
        held(tmp_path / "gone.npy")
    with pytest.raises(ValueError, match=r"held_out must be in \(0, 1\), got 1.0"):
        File(held_out=1.0)


def test_names_on_the_command_line_are_models_and_rules():
    options = find("ring-tracking").preset("small")
    assert [options.model for options in variants(options, "model")[1].values()] == list(MODELS.values())
    assert [options.rule for options in variants(options, "rule=local,bptt")[1].values()] == [Local(), ThroughTime()]


@pytest.mark.parametrize("entry", FILTERING, ids=lambda entry: entry.name)
def test_every_entry_is_judged_by_a_metric_of_its_task(entry):
    """By the name that its task gives it; data are not needed to know it."""
    from vestige.report.metrics import _KNOWN

    assert entry.preset("small").headline in {metric.name for metric in _KNOWN}


def test_published_numbers_are_those_of_the_same_films():
    entry = find("bouncing-balls")
    assert set(entry.published(entry.preset("small"))["metrics"]) == {"RTRBM", "RNN-RBM"}
    assert set(entry.published(entry.preset("paper"))["metrics"]) == {"RTRBM", "structured RTRBM", "DTSBN"}
    assert entry.published(Filtering(Balls(2))) == {}


@pytest.mark.parametrize(
    ("name", "options", "arrays"),
    [
        ("ring-tracking", tiny(), {"filter_seen", "filter_imagined", "receptive_fields", "delayed_r2"}),
        (
            "sensor-fusion",
            tiny(Sensors(time=30), Factor(), optimiser=Adam(1e-3, "constant", 0)),
            {"filter_seen", "filter_state", "filter_denoised", "filter_foretold"},
        ),
        (
            "bouncing-balls",
            tiny(Balls(2, 6, 8), Deep(4, below=3, sampled=True)),
            {"frames", "foretold", "sampled", "filter_state"},
        ),
    ],
)
def test_a_run_leaves_metrics_and_pictures(name, options, arrays, tmp_path):
    entry = find(name)
    execute(entry, options, preset="small", seed=0, folder=tmp_path / "run", command="x")
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert options.headline in results["metrics"] and options.headline in results["bounds"]
    with np.load(tmp_path / "run" / "evaluation.npz") as kept:
        assert arrays <= set(kept)
    page = write_report(tmp_path / "run").read_text()
    assert "What it makes of what it sees" in page
