"""Two bits that tell something only together (check 14 of the MemUP notes): the limit, and what moves it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Int

from tests.drawn import drawn
from tests.rules.longterm import token_model, trained
from vestige.rules import MemUP, OracleScore, RandomlyTruncated
from vestige.sequences import AbstractSequence, Window
from vestige.typing import Batch

PAIRS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.int32)
BLANK, QUESTION = 2, 3


class Bits(AbstractSequence):
    """Two bits somewhere among blanks; at the last step the outcome is a class, 0 or 1, and elsewhere 2."""

    bits: Int[Array, "2"]
    answer: Int[Array, ""]
    length: Int[Array, ""]
    places: tuple[int, int] = eqx.field(static=True)

    def window(self, start, size):
        steps = start + jnp.arange(size, dtype=start.dtype)
        inside, last = (steps >= 0) & (steps < self.length), steps == self.length - 1
        shown = [steps == self.places[0], steps == self.places[1], last]
        inputs = jnp.select(shown, [self.bits[0], self.bits[1], QUESTION], jnp.full_like(steps, BLANK))
        return Window(inputs, jnp.where(last, self.answer, BLANK), inside, inside)


def every_pair(places, length, answer=lambda a, b: a ^ b):
    """All four, once each: what is drawn at random in a task is enumerated here."""
    answers = jnp.array([answer(a, b) for a, b in PAIRS.tolist()], jnp.int32)
    one = lambda bits, answer: Bits(bits, answer, jnp.array(length, jnp.int32), places)
    return Batch(jax.jit(jax.vmap(one))(jnp.array(PAIRS), answers))


def last_step(sequence):
    return sequence.length[None] - 1


def told(rule, places, length, key, answer=lambda a, b: a ^ b):
    """How much each update says to the memory about the answer, in the mean over all pairs of bits.

    The difference between its gradient and the one where all answers are the other class: nought where the answer is
    as good as a coin.
    """
    with jax.enable_x64(True):
        model = drawn(lambda key: token_model(key=key, tokens=4, classes=3))
        batches = [every_pair(places, length, lambda a, b, flip=flip: answer(a, b) ^ flip) for flip in (0, 1)]
        carries = [rule.init(model, batch, key=key) for batch in batches]
        step, sizes = eqx.filter_jit(rule.step), []
        for _ in range(-(-length // rule.rollout) if isinstance(rule, RandomlyTruncated) else 9):
            done = [step(model, carry, batch, key=key) for carry, batch in zip(carries, batches, strict=True)]
            carries = [each.carry for each in done]
            memory = [eqx.filter((each.grads.encoder, each.grads.cell), eqx.is_array) for each in done]
            apart = jax.tree.map(lambda one, other: float(np.max(np.abs(one - other))), *memory)
            sizes.append(max(jax.tree.leaves(apart)))
            slots = carries[0] if isinstance(rule, RandomlyTruncated) else carries[0].slots
            if bool(slots.ended.all()):
                return sizes
    raise AssertionError("the sequence has not ended")


def memup(rollout, stride=None):
    return MemUP(rollout, 1, stride=stride, score=OracleScore(last_step), current=False, clip=None)


NOTHING, SOMETHING = 1e-14, 1e-7


@pytest.mark.slow
def test_the_first_bit_alone_is_worth_nothing(key):
    """Check 14: no rollout before the second bit is told anything, enumerated; one with both bits is.

    So is the first one where the question is not XOR, but which was the first bit.
    """
    apart = told(memup(4), (1, 9), 12, key)
    assert apart[0] < NOTHING and apart[1] < NOTHING and len(apart) == 3
    assert told(memup(12), (1, 9), 12, key)[0] > SOMETHING
    first = told(memup(4), (1, 9), 12, key, answer=lambda a, b: a)
    assert first[0] > SOMETHING and first[1] > SOMETHING


@pytest.mark.slow
def test_overlapping_rollouts_see_both_sides_of_a_border(key):
    """What `stride` repairs: bits less than a rollout apart, a border between them. The rollouts with both are told."""
    apart = told(memup(4), (3, 5), 12, key)
    assert apart[0] < NOTHING  # steps 0 to 3; the second has only the other bit
    overlapping = told(memup(4, stride=2), (3, 5), 12, key)
    assert overlapping[0] < NOTHING and overlapping[1] > SOMETHING  # steps 2 to 5
    assert len(overlapping) == 5


@pytest.mark.slow
def test_random_truncation_sees_further_than_a_rollout(key):
    """What `RandomlyTruncated` repairs, where it happens not to cut: bits further apart than a rollout."""
    assert told(RandomlyTruncated(4, 0.1, longest=1, clip=None), (1, 9), 12, key)[0] < NOTHING
    assert told(RandomlyTruncated(4, 0.0, longest=3, clip=None), (1, 9), 12, key)[0] > SOMETHING


def accuracy(rule, places, length, updates, key):
    """Of the answers to all four pairs, after training on them with a memory that at first forgets soon."""
    batch = every_pair(places, length)
    model = token_model(key=key, tokens=4, classes=3, keep=1.0, hidden=32)
    model, _ = trained(rule, model, lambda key: batch, updates, key=key)

    def one(sequence):
        window = sequence.window(jnp.array(0, jnp.int32), length)
        _, memories = model.encode(model.init(), window.inputs, window.inside)
        return jnp.argmax(model.predict(memories[-1], window.inputs[-1])) == window.outcomes[-1]

    return float(jnp.mean(jax.jit(jax.vmap(one))(batch.inputs)))


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "solved"), [(memup(12), False), (memup(12, stride=2), True), (memup(16), True)])
def test_what_is_learned(rule, solved, key):
    """Check 14, trained: bits 11 steps apart. A border between them: chance. None, or overlapping rollouts: solved."""
    found = accuracy(rule, (2, 13), 16, 600, jax.random.key(1))
    assert found == 1.0 if solved else found <= 0.75
