import json
import os
import signal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vestige.errors import RunError, UsageError
from vestige.rules import AbstractRule, Gradient, Step
from vestige.training import Cadence, Run, fit
from vestige.training.interrupts import Interrupted
from vestige.training.progress import AbstractProgress

from .conftest import squared


def leaves(model):
    arrays = jax.tree.leaves(eqx.filter(model, eqx.is_array))
    is_key = lambda leaf: jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return [np.asarray(jax.random.key_data(leaf) if is_key(leaf) else leaf) for leaf in arrays]


def assert_identical(a, b):
    for x, y in zip(leaves(a), leaves(b), strict=True):
        np.testing.assert_array_equal(x, y)


def records(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def fit_parts(parts, steps=60, **more):
    arguments = {"cadence": CADENCE, **parts, **more}
    model, task = arguments.pop("model"), arguments.pop("task")
    return fit(model, task, steps=steps, **arguments)


CADENCE = Cadence(log_every=10, checkpoint_every=20, evaluate_every=30, evaluation_size=16)


class Stopping(AbstractProgress):
    """Sends this process a signal once `at` updates are done."""

    def __init__(self, at, number=signal.SIGINT):
        self.at, self.number, self.sent = at, number, False

    def start(self, steps, done):
        pass

    def update(self, step, metrics):
        if step >= self.at and not self.sent:
            self.sent = True
            os.kill(os.getpid(), self.number)

    def phase(self, name, *, done=0, total=None):
        pass

    def note(self, text):
        pass

    def stop(self):
        pass


@pytest.mark.slow
def test_learns_and_leaves_the_given_model_usable(parts):
    before = leaves(parts["model"])
    result = fit_parts(parts, steps=400)
    assert result.history[-1]["error"] < 0.3 * result.history[0]["error"]
    for a, b in zip(before, leaves(parts["model"]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_same_key_same_run_other_key_other_run(parts):
    first = fit_parts(parts)
    assert_identical(first.model, fit_parts(parts).model)
    other = fit_parts(parts, key=jax.random.key(3))
    assert any(not np.array_equal(a, b) for a, b in zip(leaves(first.model), leaves(other.model), strict=True))


def test_no_steps_is_the_model_itself(parts):
    assert_identical(fit_parts(parts, steps=0).model, parts["model"])


class TestResume:
    def test_stopped_twice_is_the_run_never_stopped(self, parts, tmp_path):
        whole = fit_parts(parts, steps=150, run=Run(tmp_path / "whole"))
        for at, number in ((17, signal.SIGINT), (70, signal.SIGTERM)):
            with pytest.raises(Interrupted, match=number.name):
                fit_parts(parts, steps=150, run=Run(tmp_path / "cut"), progress=Stopping(at, number))
        resumed = fit_parts(parts, steps=150, run=Run(tmp_path / "cut"))
        assert_identical(whole.state, resumed.state)
        assert records(tmp_path / "whole") == records(tmp_path / "cut")

    @pytest.mark.slow
    def test_killed_between_checkpoints_writes_the_same_log(self, parts, tmp_path):
        whole = fit_parts(parts, steps=60, run=Run(tmp_path / "whole"))
        fit_parts(parts, steps=50, run=Run(tmp_path / "cut"))
        import shutil

        shutil.rmtree(tmp_path / "cut" / "checkpoints" / "50")  # as if killed after update 50, before saving
        with (tmp_path / "cut" / "metrics.jsonl").open("a") as file:
            file.write('{"kind": "train", "st')
        resumed = fit_parts(parts, steps=60, run=Run(tmp_path / "cut"))
        assert_identical(whole.state, resumed.state)
        assert records(tmp_path / "whole") == records(tmp_path / "cut")

    def test_a_finished_run_is_not_repeated(self, parts, tmp_path):
        first = fit_parts(parts, run=Run(tmp_path))
        again = fit_parts(parts, run=Run(tmp_path))
        assert_identical(first.state, again.state)
        assert len(again.history) == 0

    def test_another_configuration_is_refused(self, parts, tmp_path):
        fit_parts(parts, run=Run(tmp_path, fingerprint="a"))
        with pytest.raises(UsageError, match="another configuration"):
            fit_parts(parts, run=Run(tmp_path, fingerprint="b"))

    def test_a_repeated_signal_breaks_off_at_once(self):
        from vestige.training.interrupts import Interrupts

        with Interrupts() as interrupts:
            os.kill(os.getpid(), signal.SIGINT)
            assert interrupts.pending == "SIGINT"
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)


class Poisoned(AbstractRule):
    """`inner`, whose gradient and one metric are not finite at the given steps."""

    inner: Gradient
    steps: tuple[int, ...] = eqx.field(static=True)

    def init(self, model, batch, *, key):
        return jnp.zeros((), jnp.int32)

    def step(self, model, carry, batch, *, key):
        done = self.inner.step(model, None, batch, key=key)
        bad = jnp.isin(carry, jnp.array(self.steps))
        layer = lambda grads: grads.layers.layers[0].bias
        grads = eqx.tree_at(layer, done.grads, jnp.where(bad, jnp.nan, layer(done.grads)))
        return Step(grads, carry + 1, done.metrics)


class TestNonFinite:
    @pytest.mark.slow
    def test_stops_before_it_and_names_step_and_leaf(self, parts, tmp_path):
        rule = Poisoned(Gradient(squared), (33,))
        with pytest.raises(RunError, match=r"update 33 is not finite: gradient layers\.layers\.0\.bias"):
            fit_parts(parts, rule=rule, run=Run(tmp_path))
        assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["20"]

    @pytest.mark.slow
    def test_the_last_good_state_goes_on(self, parts, tmp_path):
        rule = Poisoned(Gradient(squared), (33,))
        with pytest.raises(RunError):
            fit_parts(parts, rule=rule, run=Run(tmp_path))
        resumed = fit_parts(parts, rule=Poisoned(Gradient(squared), ()), run=Run(tmp_path))
        for a, b in zip(leaves(resumed.model), leaves(fit_parts(parts).model), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)  # another program, other roundings

    def test_a_step_that_overflows_the_parameters_is_caught(self, parts):
        with pytest.raises(RunError, match="update 0 is not finite: the new parameters"):
            fit_parts(parts, optimiser=optax.sgd(float("inf")))

    def test_skipping_counts_and_goes_on(self, parts, tmp_path):
        # The carry does not advance with a skipped update, so the poison stays until it is taken away.
        result = fit_parts(parts, rule=Poisoned(Gradient(squared), (33,)), skip_nonfinite=True, run=Run(tmp_path))
        assert int(result.state.step) == 60
        assert int(result.state.skipped) == 60 - 33
        assert [r["skipped"] for r in records(tmp_path) if r["kind"] == "train"][-1] == 27
        assert all(np.isfinite(leaf).all() for leaf in leaves(result.model))


@pytest.mark.slow
def test_four_devices_do_what_one_does(parts):
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:4]), ("data",))
    alone, spread = fit_parts(parts), fit_parts(parts, mesh=mesh)
    for a, b in zip(leaves(alone.model), leaves(spread.model), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    weight = spread.model.layers.layers[0].weight
    assert len(weight.sharding.device_set) == 4
    assert weight.sharding.is_fully_replicated


def test_a_batch_must_divide_over_the_mesh(parts):
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:3]), ("data",))
    with pytest.raises(ValueError, match="batch_size 8 does not divide over the 3 devices"):
        fit_parts(parts, mesh=mesh)


@pytest.mark.parametrize("weak", [False, True])
def test_one_compilation_serves_every_chunk(parts, tmp_path, weak):
    """Also where a part was made of Python's numbers, whose type gives way to others: an update returns none such."""
    traces = 0
    if weak:
        bias = jnp.broadcast_to(jnp.asarray(0.0), (8,))
        assert bias.aval.weak_type
        parts = parts | {"model": eqx.tree_at(lambda m: m.layers.layers[0].bias, parts["model"], bias)}

    def counting(model, example, *, key):
        nonlocal traces
        traces += 1
        return squared(model, example, key=key)

    fit_parts(parts, steps=37, rule=Gradient(counting), run=Run(tmp_path))
    assert traces == 1  # the shape of the metrics comes from the same trace as the updates


def test_the_log_holds_means_and_evaluations(parts, tmp_path):
    def counted(model, example, *, key):
        value, metrics = squared(model, example, key=key)
        return value, {**metrics, "one": jnp.ones(())}

    result = fit_parts(parts, rule=Gradient(counted), run=Run(tmp_path))
    kinds = [(line["kind"], line["step"]) for line in records(tmp_path)]
    assert all(line["one"] == 1 for line in records(tmp_path) if line["kind"] == "train")
    expected = [("train", s) for s in range(10, 70, 10)]
    assert [k for k in kinds if k[0] == "train"] == expected
    assert [k for k in kinds if k[0] == "evaluate"] == [("evaluate", 30), ("evaluate", 60)]
    evaluation = next(line for line in records(tmp_path) if line["kind"] == "evaluate")
    assert set(evaluation) == {"kind", "step", "error"}
    assert any((tmp_path / "tensorboard").iterdir())
    assert result.first_update_seconds > 0


def test_negative_steps_are_refused(parts):
    with pytest.raises(ValueError, match="steps must not be negative"):
        fit_parts(parts, steps=-1)
