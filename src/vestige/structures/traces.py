"""Traces on arrays. A trace says who won each step, and, compactly, who took part in it."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.numerics import log_add, log_exponential, logsumexp, segment_logsumexp
from vestige.typing import Key

NO_SUCH_TRACE = -2  # stands in for all winners where they were given and there is no trace that has them


class AbstractTrace(eqx.Module):
    """Winners and candidate sets of every step of a race.

    All that the probability of a trace and the law of the times need of the candidate sets P_s is the two linear
    maps below: sums of rates over the keys of each step, and sums of minima over the steps of each key.
    """

    winners: eqx.AbstractVar[Int[Array, " steps"]]
    """The key that won each step, as an index into the flattened log-rates; -1 where there was no such step."""

    @abc.abstractmethod
    def log_totals(self, log_rates: Float[Array, "*keys"]) -> Float[Array, " steps"]:
        """log Λ_s, the total rate of the candidates of each step.

        **Arguments:**

        - `log_rates`: one for each key, in the shape of the structure.

        **Returns:** (steps,); -inf where there are no candidates. Differentiable.
        """

    @abc.abstractmethod
    def log_elapsed(self, log_minima: Float[Array, " steps"]) -> Float[Array, "*keys"]:
        """For each key the logarithm of the sum of the minima of the steps it took part in.

        **Arguments:**

        - `log_minima`: (steps,), logarithms of the minimum of each step; -inf where there was no such step.

        **Returns:** one number for each key, in the shape of the log-rates; -inf for a key that took part in no step.
        """


class Nested(AbstractTrace):
    """Candidate sets that only shrink: subsets, permutations, Kruskal's edges, greedy matchings. O(keys).

    `winners` as in `AbstractTrace`.
    """

    winners: Int[Array, " steps"]
    exits: Int[Array, "*keys"]
    """The last step in which each key took part."""

    def log_totals(self, log_rates: Float[Array, "*keys"]) -> Float[Array, " steps"]:
        steps = self.winners.shape[0]
        leaving = segment_logsumexp(log_rates.reshape(-1), self.exits.reshape(-1), steps)
        return _cumulative(leaving, reverse=True)

    def log_elapsed(self, log_minima: Float[Array, " steps"]) -> Float[Array, "*keys"]:
        elapsed = _increasing(_cumulative(log_minima))
        # Row by row: looked up where they are used, they would keep the logarithms of all keys from being vectorised.
        return elapsed[self.exits] if self.exits.ndim == 1 else jax.lax.map(lambda exits: elapsed[exits], self.exits)


class Rows(AbstractTrace):
    """Candidate sets that are the rows of a matrix, one step for each: choices by themselves. O(keys).

    `winners` as in `AbstractTrace`; `options` is the number of columns.
    """

    winners: Int[Array, " rows"]
    options: int = eqx.field(static=True)

    def log_totals(self, log_rates: Float[Array, "rows options"]) -> Float[Array, " rows"]:
        return logsumexp(log_rates, 1)

    def log_elapsed(self, log_minima: Float[Array, " rows"]) -> Float[Array, "rows options"]:
        return jnp.broadcast_to(log_minima[:, None], (log_minima.shape[0], self.options))


class Segments(AbstractTrace):
    """Candidate sets that are intervals of positions, split at their winners: binary trees. O(steps · keys).

    `winners` as in `AbstractTrace`; `left` and `right` are the ends of the intervals.
    """

    winners: Int[Array, " items"]
    left: Int[Array, " items"]
    right: Int[Array, " items"]
    """Step s ranged over the positions strictly between `left[s]` and `right[s]`."""

    def takes_part(self) -> Bool[Array, "items items"]:
        """Entry (s, k): whether position k was a candidate at step s."""
        place = jnp.arange(self.winners.shape[0], dtype=jnp.int32)
        inside = (self.left[:, None] < place[None, :]) & (place[None, :] < self.right[:, None])
        return inside & (self.winners >= 0)[:, None]

    def log_totals(self, log_rates: Float[Array, " items"]) -> Float[Array, " items"]:
        return logsumexp(jnp.broadcast_to(log_rates[None, :], (log_rates.shape[0],) * 2), 1, self.takes_part())

    def log_elapsed(self, log_minima: Float[Array, " items"]) -> Float[Array, " items"]:
        part = self.takes_part()
        elapsed = logsumexp(jnp.broadcast_to(log_minima[:, None], part.shape), 0, part)
        return elapsed + _descending(self.winners, part, jax.lax.stop_gradient(elapsed))


class Laminar(AbstractTrace):
    """Candidate sets that grow by contraction: arcs that enter a node, then a cycle of nodes, and so on.

    Steps 0 … n-1 belong to the nodes, n … 2n-2 to the contracted cycles in the order of their making, 2n-1 to
    the choice of a root. O(n²) time and memory. `winners` as in `AbstractTrace`; `root` is the row of the keys that
    race in the last step, None for the diagonal.
    """

    winners: Int[Array, " steps"]
    member: Bool[Array, "cycles nodes"]
    """Which nodes each contracted cycle holds; all False for cycles that never came to be."""
    exits: Int[Array, "nodes nodes"]
    """For the arc (u, v): the last cycle that v lay in without u, counted from 1 in the order of `member`; 0 if
    there is none, so that the arc took part in the race for v alone."""
    root: int | None = eqx.field(static=True, default=None)

    def log_totals(self, log_rates: Float[Array, "nodes nodes"]) -> Float[Array, " steps"]:
        n = log_rates.shape[0]
        last = self._in_last_race()
        arcs = jnp.where(last, -jnp.inf, log_rates)
        # leaving[c, v]: arcs into v whose last race was that of cycle c - 1 (c = 0: that of v alone).
        place = self.exits * n + jnp.arange(n, dtype=jnp.int32)[None, :]
        leaving = segment_logsumexp(arcs.reshape(-1), place.reshape(-1), n * n).reshape(n, n)

        def up(still, this):
            still = log_add(still, this)
            return still, still

        _, still = jax.lax.scan(up, jnp.full(n, -jnp.inf, log_rates.dtype), leaving, reverse=True)
        cycles = logsumexp(still[1:], 1, self.member)
        return jnp.concatenate([still[0], cycles, logsumexp(log_rates.reshape(-1), 0, last.reshape(-1))[None]])

    def log_elapsed(self, log_minima: Float[Array, " steps"]) -> Float[Array, "nodes nodes"]:
        n = self.exits.shape[0]
        nodes, cycles, root = jnp.split(log_minima, [n, 2 * n - 1])

        def inward(spent, cycle):
            member, minimum = cycle
            return jnp.where(member, log_add(spent, jnp.broadcast_to(minimum, spent.shape)), spent), spent

        last, spent = jax.lax.scan(inward, nodes, (self.member, cycles))
        table = jnp.concatenate([spent, last[None]])  # from the scan alone: what made `nodes` is not made again
        elapsed = jnp.take_along_axis(table, self.exits, axis=0)
        return jnp.where(self._in_last_race(), jnp.broadcast_to(root, (n, n)), elapsed)

    def _in_last_race(self) -> Bool[Array, "nodes nodes"]:
        n = self.exits.shape[0]
        if self.root is None:
            return jnp.eye(n, dtype=bool)
        return jnp.broadcast_to(jnp.arange(n)[:, None] == self.root, (n, n))


def log_prob(trace: AbstractTrace, log_rates: Float[Array, "*keys"]) -> Float[Array, ""]:
    """log p(T): Σ_s log λ_{t_s} − log Λ_s. Differentiable in the rates.

    **Arguments:**

    - `trace`: T.
    - `log_rates`: one for each key, in the shape of the structure.

    **Returns:** one number, nats; -inf if a winner has rate zero.
    """
    won = trace.winners >= 0
    chosen = log_rates.reshape(-1)[jnp.where(won, trace.winners, 0)]
    possible = won & (chosen > -jnp.inf)
    totals = jnp.where(possible, trace.log_totals(log_rates), 0.0)
    terms = jnp.where(possible, jnp.where(possible, chosen, 0.0) - totals, 0.0)
    never = jnp.any(won & ~possible) | jnp.any(trace.winners == NO_SUCH_TRACE)
    return jnp.where(never, -jnp.inf, jnp.sum(terms))


def posterior(trace: AbstractTrace, log_rates: Float[Array, "*keys"], *, key: Key) -> Float[Array, "*keys"]:
    """Draw arrival times given a trace: E_k = Σ M_s over the steps that k took part in, + R_k, or 0 for a winner.

    Reparameterised: differentiable in the rates through M_s = ε_s / Λ_s and R_k = ε_k / λ_k.

    **Arguments:**

    - `trace`: the trace that is given.
    - `log_rates`: one for each key, in the shape of the structure.

    **Returns:** logarithms of the arrival times, shaped like `log_rates`; +inf for keys of rate zero.
    """
    key_minima, key_rest = jax.random.split(key)
    won = trace.winners >= 0
    totals = jnp.where(won, trace.log_totals(log_rates), 0.0)
    minima = log_exponential(won.shape, log_rates.dtype, key=key_minima) - totals
    elapsed = trace.log_elapsed(jnp.where(won, minima, -jnp.inf))
    present = log_rates > -jnp.inf
    rest = log_exponential(log_rates.shape, log_rates.dtype, key=key_rest) - jnp.where(present, log_rates, 0.0)
    later = jnp.maximum(log_add(elapsed, rest), _next(elapsed))
    return jnp.where(present, jnp.where(is_winner(trace, log_rates.shape), elapsed, later), jnp.inf)


def is_winner(trace: AbstractTrace, shape: tuple[int, ...]) -> Bool[Array, "*keys"]:
    """Which keys won a step of `trace`: bools of `shape`, that of the log-rates."""
    size = jnp.zeros(shape).size
    place = jnp.where(trace.winners < 0, size, trace.winners)
    return jnp.zeros(size, bool).at[place].set(True, mode="drop").reshape(shape)


def _cumulative(x: Float[Array, " steps"], reverse: bool = False) -> Float[Array, " steps"]:
    def add(total, this):
        total = log_add(total, this)
        return total, total

    return jax.lax.scan(add, jnp.full((), -jnp.inf, x.dtype), x, reverse=reverse)[1]


def _next(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The next larger float, with the gradient of x."""
    still = jax.lax.stop_gradient(x)
    step = jnp.where(jnp.isfinite(still), jnp.nextafter(still, jnp.full((), jnp.inf, x.dtype)) - still, 0.0)
    return x + step


def _increasing(x: Float[Array, " steps"]) -> Float[Array, " steps"]:
    """Where rounding has made a time equal to the one before, move it up by one float: the order is what counts."""

    def above(last, this):
        this = jnp.where(this > -jnp.inf, jnp.maximum(this, _next(last)), this)
        return this, this

    still = jax.lax.stop_gradient(x)
    _, strict = jax.lax.scan(above, jnp.full((), -jnp.inf, x.dtype), still)
    return x + jnp.where(strict > still, strict - still, 0.0)


def _descending(
    winners: Int[Array, " items"], part: Bool[Array, "items items"], elapsed: Float[Array, " items"]
) -> Float[Array, " items"]:
    """What must be added so that everybody arrives later than all the winners of the intervals around him."""
    n = winners.shape[0]
    won = jnp.where(winners < 0, 0, winners)
    mine = winners[:, None] == jnp.arange(n, dtype=jnp.int32)[None, :]

    def latest(times):
        around = jnp.where(part & ~mine, jnp.broadcast_to(times[won][:, None], (n, n)), -jnp.inf)
        return jnp.where(jnp.any(mine, axis=0), jnp.max(around, axis=0), -jnp.inf)

    def wrong(times):
        return (latest(times) > -jnp.inf) & (times <= latest(times))

    def repair(times):
        return jnp.where(wrong(times), _next(latest(times)), times)

    fixed = jax.lax.while_loop(lambda times: jnp.any(wrong(times)), repair, elapsed)
    return jnp.where(fixed > elapsed, fixed - elapsed, 0.0)
