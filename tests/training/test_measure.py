"""How the stopwatch is used: never how long anything takes."""

from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
import pytest

from vestige.rules import AbstractRule, Step
from vestige.tasks import AbstractTask
from vestige.training import measure as module
from vestige.training.measure import measure
from vestige.typing import Batch


class Weight(eqx.Module):
    w: jax.Array


class Nothing(AbstractTask):
    def batch(self, *, size, key):
        return Batch(jnp.zeros((size, 3)))

    def evaluate(self, model, *, size, key):
        return {}

    def bounds(self, metrics):
        return {}


class Doubling(AbstractRule):
    """Doubles its weight `times` times, in a loop or one after the other."""

    loop: str | None = eqx.field(static=True, default=None)

    def init(self, model, batch, *, key):
        return None

    def step(self, model, carry, batch, *, key):
        def double(w):
            return w * 2

        if self.loop == "while":
            w = jax.lax.while_loop(lambda c: c[0] < 4, lambda c: (c[0] + 1, double(c[1])), (0, model.w))[1]
        elif self.loop == "scan":
            w = jax.lax.scan(lambda w, _: (double(w), None), model.w, None, length=4)[0]
        elif self.loop == "written out":
            w = jax.lax.scan(lambda w, _: (double(w), None), model.w, None, length=4, unroll=4)[0]
        else:
            w = double(model.w)
        return Step(Weight(w), carry, {"loss": jnp.zeros(())})


ARGUMENTS = {"optimiser": optax.sgd(0.1), "batch_size": 2, "key": jax.random.key(0)}


def measured(rule=None, **options):
    model = Weight(jnp.ones(5))
    return measure(model, model, Nothing(), rule=Doubling() if rule is None else rule, **ARGUMENTS, **options)


@pytest.fixture
def asked(monkeypatch):
    """Blocks of updates that were asked for, where an update takes two seconds by a clock of our own."""
    blocks, now = [], [0.0]

    def compiled(program, state):
        blocks.append(int(program[1]))
        now[0] += 2.0 * blocks[-1]
        return state, jnp.zeros(())

    compiled.compiled = SimpleNamespace(memory_analysis=lambda: None)
    advance = SimpleNamespace(lower=lambda *_: SimpleNamespace(compile=lambda: compiled))
    monkeypatch.setattr(module, "make_advance", lambda *_, **__: advance)
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    return blocks


@pytest.mark.parametrize(
    ("options", "blocks"),
    [
        ({"updates": 5, "blocks": 3}, [1, 5, 5, 5, 5]),
        ({"updates": 5, "blocks": 2, "cycle": 4}, [1, 8, 8, 8]),  # whole batches
        (
            {"updates": 50, "blocks": 4, "seconds": 100.0},
            [1, 10, *[10] * 4],
        ),  # 20 s for each block and a first one
        ({"updates": 50, "blocks": 4, "seconds": 9.0}, [1, 1, *[1] * 4]),
        (
            {"updates": 50, "blocks": 9, "cycle": 6, "seconds": 30.0},
            [1, 6, 6, 6],
        ),  # one cycle, as often as it fits
        ({"updates": 50, "blocks": 9, "cycle": 6, "seconds": 5.0}, [1, 6, 6]),  # never less than one
    ],
)
def test_blocks_are_whole_batches_and_fit_the_time(asked, options, blocks):
    cost = measured(**options)
    assert asked == blocks
    assert cost.milliseconds == cost.slowest == cost.fastest == 2000
    assert cost.cycle == options.get("cycle", 1)


@pytest.mark.parametrize("loop", [None, "written out"])
def test_arithmetic_without_loops_is_counted(loop):
    assert (measured(Doubling(loop), updates=1, blocks=1).gigaflop or 0) > 0


@pytest.mark.parametrize("loop", ["while", "scan"])
def test_what_runs_in_a_loop_is_not_counted_once(loop):
    assert measured(Doubling(loop), updates=1, blocks=1).gigaflop is None


def test_memory_is_asked_for_before_anything_runs():
    assert measured(updates=1, blocks=1, available=2**30).temporary_bytes < 2**30
    with pytest.raises(MemoryError, match="an update needs 0 MiB, and -1 MiB are there"):
        measured(updates=1, blocks=1, available=-(2**20))
