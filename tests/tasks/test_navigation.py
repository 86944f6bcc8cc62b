"""Navigation: legal walks, how soon they meet new cells, and coherence of what is generated."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.frame_tasks import TEST, TRAIN
from vestige.models.temporal import Bernoulli
from vestige.tasks import MapNavigation
from vestige.tasks.navigation import agreement
from vestige.tasks.walk import new_cell_probability, random_walk, revisited

# GTMM notes 5.6: probability that frame t is a new cell, 20,000 walks on 4x4 from (2, 2) and from anywhere
FROM_MIDDLE = (
    "1 1 .712 .674 .538 .541 .453 .470 .407 .415 .364 .378 .333 .347 .308 .314 .280 .285 .256 .265 .240 .237 .222 .226 "
    ".207"
)
FROM_ANYWHERE = "1 1 .661 .662 .554 .547 .481 .474 .423 .426"
FROM_MIDDLE, FROM_ANYWHERE = ([float(p) for p in table.split()] for table in (FROM_MIDDLE, FROM_ANYWHERE))


@pytest.fixture(scope="module")
def walks():
    start = jnp.array([2, 2])
    walk = jax.jit(jax.vmap(lambda key: random_walk(start, 4, 25, key=key)))
    return tuple(np.asarray(part) for part in walk(jax.random.split(jax.random.key(7), 20_000)))


class TestWalk:
    """20,000 walks on a map of 4 x 4."""

    def test_it_never_leaves_the_grid_and_moves_as_its_actions_say(self, walks):
        cells, actions = walks
        assert cells.shape == actions.shape == (20_000, 25)
        assert cells.min() == 0 and cells.max() == 15
        assert (actions[:, 0] == 4).all() and actions[:, 1:].max() == 3 and (cells[:, 0] == 10).all()
        moved = np.stack([np.diff(cells // 4), np.diff(cells % 4)], axis=-1)
        np.testing.assert_array_equal(moved, np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])[actions[:, 1:]])

    def test_legal_moves_are_equally_likely(self, walks):
        cells, actions = walks
        for cell, legal in {0: {1, 2}, 3: {2, 3}, 12: {0, 1}, 1: {1, 2, 3}, 8: {0, 1, 2}, 5: {0, 1, 2, 3}}.items():
            chosen = actions[:, 1:][cells[:, :-1] == cell]
            found, counts = np.unique(chosen, return_counts=True)
            assert set(found.tolist()) == legal
            share = 1 / len(legal)
            assert np.abs(counts - len(chosen) * share).max() < 5 * np.sqrt(len(chosen) * share * (1 - share))

    def test_new_cells_come_as_often_as_the_table_says(self, walks):
        new = 1 - np.asarray(jax.jit(jax.vmap(revisited))(jnp.asarray(walks[0]))).mean(axis=0)
        np.testing.assert_allclose(new, FROM_MIDDLE, atol=0.01)
        np.testing.assert_allclose(new, new_cell_probability(4, 25, (2, 2)), atol=0.015)


class TestNewCells:
    """Exact probabilities."""

    def test_the_table_of_the_notes(self):
        np.testing.assert_allclose(new_cell_probability(4, 25, (2, 2)), FROM_MIDDLE, atol=0.01)
        np.testing.assert_allclose(new_cell_probability(4, 10, None), FROM_ANYWHERE, atol=0.01)
        assert sum(new_cell_probability(4, 25, (2, 2))) == pytest.approx(10.47, abs=0.05)
        assert sum(new_cell_probability(4, 25, None)) == pytest.approx(10.62, abs=0.05)

    def test_a_map_of_two_by_two_by_hand(self):
        # a ring of four: new at once, then back with 1/2, ...
        np.testing.assert_allclose(new_cell_probability(2, 4, (1, 1)), [1, 1, 1 / 2, 1 / 4 + 1 / 4])

    def test_the_ideal_curve_is_the_price_of_a_new_cell_times_its_probability(self):
        metrics = {"kl_fresh": jnp.array(22.0), "elsewhere_coherence": jnp.array(0.7)}
        bounds = MapNavigation(TRAIN, TEST).bounds(metrics)
        np.testing.assert_allclose(bounds["curves"]["kl_per_frame"], 22 * np.array(FROM_MIDDLE), atol=0.22)
        assert bounds["kl_revisit"] == {"best": 0.0, "chance": 22.0}
        assert bounds["revisit_coherence"]["best"] == 1.0
        assert bounds["revisit_coherence"]["chance"] == pytest.approx(0.7)


@pytest.mark.parametrize("random_start", [False, True])
def test_a_cell_looks_the_same_at_every_visit_and_only_visited_ones_are_predictable(random_start, key):
    task = MapNavigation(TRAIN, TEST, grid=3, frames=15, random_start=random_start)
    sequences = jax.jit(jax.vmap(lambda k: task.sequence(TRAIN, key=k)))(jax.random.split(key, 40))
    cells, frames = np.asarray(sequences.facts["cells"]), np.asarray(sequences.batch.inputs)
    for row in range(40):
        met = {}
        for t, cell in enumerate(cells[row].tolist()):
            assert bool(sequences.predictable[row, t]) == (cell in met)
            np.testing.assert_array_equal(frames[row, t], met.setdefault(cell, frames[row, t]))
    assert (set(cells[:, 0].tolist()) == {4}) != random_start
    np.testing.assert_array_equal(np.argmax(sequences.batch.condition, axis=-1), sequences.facts["actions"])


class Dreamer(eqx.Module):
    """Generates the place where the actions lead, or its opposite in every other frame."""

    likelihood: Bernoulli = Bernoulli()
    coherent: bool = eqx.field(static=True, default=True)

    class Dream(eqx.Module):
        frame_parameters: jax.Array

    def generate(self, steps, *, condition, key):
        moves = jnp.array([[-1.0, 0], [0, 1], [1, 0], [0, -1], [0, 0]])
        place = jnp.cumsum(condition @ moves, axis=0) + 1
        cell = (3 * place[:, 0] + place[:, 1]).astype(jnp.int32)
        picture = jax.nn.one_hot(cell, 16).reshape(steps, 4, 4)
        flip = jnp.arange(steps) % 4 < 2
        if not self.coherent:
            picture = jnp.where(flip[:, None, None], picture, 1 - picture)
        return self.Dream(200.0 * (picture - 0.5))


class TestCoherence:
    """Of frames that are generated along given actions."""

    task = MapNavigation(TRAIN, TEST, grid=3, frames=15)

    def judged(self, model, key):
        sequence = self.task.sequence(TEST, key=key)
        tallies = self.task.sequence_metrics(model, sequence, jnp.arange(15, dtype=jnp.float32), key=key)
        known = np.flatnonzero(sequence.predictable)
        np.testing.assert_allclose(tallies["kl_revisit"].mean, known.mean(), rtol=1e-6)
        return {name: float(tally.mean) for name, tally in tallies.items()}

    @pytest.mark.slow
    def test_a_kept_map_is_coherent(self, key):
        judged = self.judged(Dreamer(), key)
        assert judged["revisit_coherence"] == pytest.approx(1.0)
        assert judged["elsewhere_coherence"] == pytest.approx(1 - 2 / 16)

    def test_a_map_that_changes_is_not(self, key):
        assert self.judged(Dreamer(coherent=False), key)["revisit_coherence"] < 0.7

    def test_agreement_by_hand(self):
        frames = jnp.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.0]])
        tally = agreement(frames, jnp.array([[1, 0, 1], [0, 1, 1], [1, 1, 1]]) == 1)
        assert float(tally.terms) == 2.0  # (2, 0) and (2, 1); no frame with itself
        assert float(tally.mean) == pytest.approx(0.75)


def test_actions_out_of_range_are_refused():
    task = MapNavigation(TRAIN, TEST)
    np.testing.assert_array_equal(task.condition(jnp.array([4, 0, 3])), np.eye(5)[[4, 0, 3]])
    for wrong in (-1, 5):
        with pytest.raises(Exception, match=r"each must be one of 0 \.\. 4"):
            jax.block_until_ready(eqx.filter_jit(task.condition)(jnp.array([4, wrong])))


def test_impossible_maps_are_refused():
    with pytest.raises(ValueError, match="at least 2 x 2 cells, got grid=1"):
        MapNavigation(TRAIN, TEST, grid=1)
