"""The shared pieces of the table memories, each against numbers worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.slopes import slopes_agree

from vestige.memory.allocation import allocation, least_used, update_usage
from vestige.memory.content import content_weights, cosine
from vestige.memory.links import directional_read_weights, update_links, update_precedence
from vestige.memory.shift import sharpen, shift

assert_close = np.testing.assert_allclose


def one_hot(slot, slots=4):
    return jnp.zeros(slots).at[slot].set(1.0)


class TestContent:
    MEMORY = jnp.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [0.0, 0.0]])

    def test_cosine(self):
        assert_close(cosine(jnp.array([[5.0, 0.0]]), self.MEMORY), [[1, 0, -1, 0]], atol=1e-5)

    def test_at_zero_the_similarity_is_zero_and_its_gradient_finite(self):
        key, words = jnp.zeros((1, 2)), jnp.zeros((4, 2))
        np.testing.assert_array_equal(cosine(key, words), jnp.zeros((1, 4)))
        for part in jax.jit(jax.grad(lambda k, m: jnp.sum(cosine(k, m)), (0, 1)))(key, words):
            assert bool(jnp.all(jnp.isfinite(part)))

    @pytest.mark.parametrize("size", [0.0, 1e-30, 1e6, 1e30, 3e38, np.inf])
    def test_no_key_gives_nan(self, size):
        for sign in (1.0, -1.0):
            key = jnp.full((1, 2), sign * size)
            weights = content_weights(key, jnp.array([50.0]), 1e6 * self.MEMORY)
            assert_close(jnp.sum(weights), 1, rtol=1e-5)

    def test_identical_words_share_evenly(self):
        assert_close(
            content_weights(jnp.ones((2, 3)), jnp.array([1.0, 40.0]), jnp.ones((4, 3))), jnp.full((2, 4), 0.25)
        )


class TestShift:
    def test_plus_one_wraps_round(self):
        assert_close(shift(one_hot(3)[None], jnp.array([[0.0, 0.0, 1.0]]))[0], one_hot(0))

    def test_minus_one_wraps_round(self):
        assert_close(shift(one_hot(0)[None], jnp.array([[1.0, 0.0, 0.0]]))[0], one_hot(3))

    def test_two_steps_each_way(self):
        moves = jnp.array([[0.1, 0.0, 0.2, 0.3, 0.4]])
        assert_close(shift(one_hot(2, 5)[None], moves)[0], [0.1, 0.0, 0.2, 0.3, 0.4])

    def test_each_head_moves_on_its_own(self):
        moves = jnp.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
        assert_close(shift(jnp.stack([one_hot(1), one_hot(1)]), moves), jnp.stack([one_hot(0), one_hot(2)]))

    def test_an_exponent_of_one_changes_nothing(self):
        weights = jnp.array([[0.1, 0.2, 0.3, 0.4]])
        assert_close(sharpen(weights, jnp.ones(1)), weights, rtol=1e-5)

    def test_sharpening_is_a_power(self):
        weights = jnp.array([[0.1, 0.2, 0.3, 0.4]])
        assert_close(sharpen(weights, jnp.array([2.0])), weights**2 / jnp.sum(weights**2), rtol=1e-5)


class TestAllocation:
    def test_free_slots_first(self):
        weights = allocation(jnp.array([0.9, 0.1, 0.5, 0.3]))
        assert_close(weights, [0.0015, 0.9, 0.015, 0.07], atol=1e-5)
        assert_close(jnp.sum(weights), 0.9865, atol=1e-5)

    def test_nothing_where_all_is_in_use(self):
        assert_close(allocation(jnp.ones(4)), jnp.zeros(4), atol=1e-6)

    def test_of_equals_the_first(self):
        assert_close(allocation(jnp.zeros(4)), one_hot(0), atol=1e-5)
        assert_close(allocation(jnp.array([1.0, 0.0, 1.0, 0.0])), one_hot(1), atol=1e-5)

    def test_gradient(self, key):
        with jax.enable_x64(True):
            usage = jax.random.permutation(key, jnp.linspace(0.1, 0.9, 7))
            mixed = lambda u: jnp.cos(jnp.arange(7.0)) @ allocation(u)
            slopes_agree(mixed, usage)

    def test_the_least_used_slots_one_for_each_head(self):
        assert_close(least_used(jnp.array([0.9, 0.2, 0.5, 0.2]), 3), jnp.stack([one_hot(1), one_hot(3), one_hot(2)]))


class TestUsage:
    USAGE, WRITTEN = jnp.array([0.5, 0.2, 0.0, 0.0]), jnp.array([0.0, 0.5, 0.25, 0.0])

    def test_written_is_used_and_read_through_an_open_gate_is_free(self):
        usage = update_usage(self.USAGE, self.WRITTEN, jnp.array([0.5]), one_hot(0)[None])
        assert_close(usage, [0.25, 0.6, 0.25, 0.0], rtol=1e-6)

    def test_no_gradient_through_the_write_weights(self):
        def total(written, gates):
            return jnp.sum(update_usage(self.USAGE, written, gates, one_hot(0)[None]))

        through_writes, through_gates = jax.jit(jax.grad(total, (0, 1)))(self.WRITTEN, jnp.array([0.5]))
        np.testing.assert_array_equal(through_writes, jnp.zeros(4))
        assert_close(through_gates, [-0.5])


class TestLinks:
    def after(self, *writes):
        slots = len(writes[0])
        links, precedence = jnp.zeros((slots, slots)), jnp.zeros(slots)
        for weights in writes:
            links, precedence = update_links(links, precedence, weights), update_precedence(precedence, weights)
        return links, precedence

    def test_they_record_the_order_of_writing(self):
        links, precedence = self.after(one_hot(0, 3), one_hot(2, 3), one_hot(1, 3))
        assert_close(links, jnp.zeros((3, 3)).at[2, 0].set(1.0).at[1, 2].set(1.0))
        assert_close(precedence, one_hot(1, 3))

    def test_half_a_write(self):
        links, precedence = self.after(one_hot(0, 3), 0.5 * one_hot(1, 3), one_hot(2, 3))
        assert_close(links, [[0, 0, 0], [0.5, 0, 0], [0.5, 0.5, 0]])
        assert_close(precedence, one_hot(2, 3))

    def test_they_are_followed_both_ways(self):
        links, _ = self.after(one_hot(0, 3), one_hot(2, 3), one_hot(1, 3))
        backward, forward = directional_read_weights(links, jnp.stack([one_hot(0, 3), one_hot(2, 3)]))
        assert_close(forward, jnp.stack([one_hot(2, 3), one_hot(1, 3)]))
        assert_close(backward, jnp.stack([jnp.zeros(3), one_hot(0, 3)]))

    def test_gradient(self, key):
        with jax.enable_x64(True):
            keys = jax.random.split(key, 3)
            links, precedence, weights = (
                jax.random.uniform(k, s) for k, s in zip(keys, [(3, 3), (3,), (3,)], strict=True)
            )
            mix = jnp.cos(jnp.arange(9.0)).reshape(3, 1, 3)

            def total(links, precedence, weights):
                backward, forward = directional_read_weights(update_links(links, precedence, weights), weights[None])
                now = update_precedence(precedence, weights)
                return jnp.sum(mix[0] * backward) + jnp.sum(mix[1] * forward) + mix[2, 0] @ now

            slopes_agree(total, links, precedence, weights)
