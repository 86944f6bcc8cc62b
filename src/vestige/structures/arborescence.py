"""Directed spanning trees with a root."""

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.numerics import log_add, log_difference
from vestige.numerics.one_by_one import one_by_one
from vestige.structures.contract import ONE_BY_ONE, AbstractStructure, LogRates, checked_rates, indicator, kept, square
from vestige.structures.recursion import AbstractRecursion
from vestige.structures.traces import Laminar


class Edmonds(AbstractRecursion):
    """Every node takes the first arc that enters it; cycles are contracted and take the first arc that enters them
    from outside, until there are no cycles. Keys: u * n + v for the arc u → v; v * n + v for v as the root.

    Steps: v for node v, n + c for the c-th cycle (level by level, by the smallest member), 2n - 1 for the root.

    **Arguments:**

    - `nodes`: n.
    - `root`: the node from which all arcs lead away; None: it is drawn last.
    - `multiroot`: whether several arcs may leave a fixed root; otherwise its one arc is drawn last.
    """

    def __init__(self, nodes: int, root: int | None, multiroot: bool = True):
        self.nodes, self.root = nodes, root
        self.last = root is None or not multiroot
        self.sources = frozenset(v for v in range(nodes) if v != root or multiroot)
        self.others = frozenset(v for v in range(nodes) if v != root)

    def start(self):
        racing = {v: frozenset({v}) for v in self.others}
        return racing, {}, 0, self.last and len(self.others) == 1

    def split(self, state) -> Mapping[int, frozenset[int]]:
        racing, _, _, choosing = state
        if choosing:
            row = lambda v: v if self.root is None else self.root
            return {2 * self.nodes - 1: frozenset(row(v) * self.nodes + v for v in self.others)}
        outside = {step: self.sources - members for step, members in racing.items()}
        sets = {s: frozenset(u * self.nodes + v for u in outside[s] for v in racing[s]) for s in racing}
        return {step: keys for step, keys in sets.items() if keys}

    def advance(self, state, winners: Mapping[int, int]):
        racing, settled, cycles, choosing = state
        if choosing:
            return {}, settled, cycles, False
        settled = dict(settled)  # component -> the source of its arc
        for step, key in winners.items():
            settled = {c: u for c, u in settled.items() if not c <= racing[step]}
            settled[racing[step]] = key // self.nodes
        home = {node: component for component in settled for node in component}
        found = []
        for component in settled:
            path = [component]
            while path[-1] in settled and home.get(settled[path[-1]]) not in (None, *path):
                path.append(home[settled[path[-1]]])
            if home.get(settled[path[-1]]) == component:
                found.append(frozenset().union(*path))
        found = sorted(set(found), key=min)
        racing = {self.nodes + cycles + place: cycle for place, cycle in enumerate(found)}
        if self.sources in found:
            return {}, settled, cycles + len(found), self.last
        return racing, settled, cycles + len(found), False


class _Contraction(NamedTuple):
    """Where the algorithm stands. A node's component is known by its smallest member and by its last set."""

    home: Int[Array, " nodes"]
    """The smallest node of the component that each node lies in."""
    last: Int[Array, " nodes"]
    """The last cycle each node was contracted into, counted from 1; 0 for none."""
    spent: Float[Array, " nodes"]
    """Logarithm of the sum of the minima already subtracted from the arcs that enter each node's component."""
    winners: Int[Array, " steps"]
    member: Bool[Array, "cycles nodes"]
    exits: Int[Array, "nodes nodes"]
    cycles: Int[Array, ""]
    moving: Bool[Array, " nodes"]
    """Nodes whose component was made just now and has not raced yet."""


class _Clock(NamedTuple):
    """By what the algorithm decides."""

    arrivals: Callable[[_Contraction], Float[Array, "nodes nodes"]]
    """The log-times of the arcs; only those into moving nodes are looked at."""
    left: Callable[[Float[Array, " nodes"], Float[Array, " nodes"]], Float[Array, " nodes"]]
    """What is left of the earliest log-time into each node when the node's component has spent so much. All arcs
    into a node have spent the same, so that the first of them is found before anything is subtracted."""


class Arborescence(AbstractStructure[Laminar]):
    """The minimum spanning arborescence of the arrival times (Chu-Liu/Edmonds).

    The trace holds the winner for each node and for each contracted cycle, 2n steps of which most are unused: those
    of the nodes first, those of the cycles in the order of their making, then the root's. Many traces lead to one
    arborescence. This is not the Gibbs distribution of arc weights. The value is the matrix (n, n) of arcs, 1 at
    (u, v) for u → v. Self-arcs and arcs into the root are not keys.

    With `root=None` the root is free: the cycles are contracted until one component is left, and the root is drawn
    last, in a race of its own, with the rates on the diagonal. (The root of the cheapest arborescence over all roots
    is decided by the numbers, not by races, and so has no trace.)

    With `multiroot=False` a single arc leaves the fixed root, as parsers want it of their artificial root: the arcs of
    the root stay out of the races for the other nodes, and race among themselves once those are one component.

    `mode()` is the cheapest tree of the mean times. It is often not the most probable one, which `best_values` finds
    for about five nodes and `GibbsArborescence.mode` for its own law at any size.

    Every level contracts all its cycles at once: O(n² · levels) time, at most n levels, n/6 on average where log-rates
    are standard normal; O(n²) memory.
    Ties go to the smaller key, but inside a contracted cycle what is left of equal times is equal only up to rounding.
    `posterior` followed by `solve` returns the same trace up to rounding of differences of times: in float32 it may
    differ about once in 10⁵ draws, in float64 never in practice.

    **Arguments:**

    - `log_rates`: (n, n), entry (u, v) for the arc u → v, -inf for impossible arcs.
    - `root`: the root, static; None for a free one.
    - `multiroot`: whether more than one arc may leave a fixed root, static.
    - `mask`: (n,), False for nodes that are not there. A fixed root must be there, unless nobody is.

    **Raises:** `ValueError` for a shape that is not square or a root outside it; for `multiroot=False` with a free
    root; for NaN, +inf, and, when drawing, where some node cannot be reached.
    """

    rates: LogRates
    mask: Bool[Array, " nodes"] | None
    root: int | None = eqx.field(static=True)
    multiroot: bool = eqx.field(static=True)

    def __init__(
        self,
        log_rates: Float[Array, "nodes nodes"],
        root: int | None = 0,
        *,
        multiroot: bool = True,
        mask: Bool[Array, " nodes"] | None = None,
    ):
        if root is None and not multiroot:
            raise ValueError(
                "Arborescence: multiroot=False is for a fixed root, and root is None. Leave it out: a free root is the "
                "one node that hangs on nothing."
            )
        self.rates = LogRates(rates_of_arcs(log_rates, root, mask, "Arborescence"))
        self.mask = mask
        self.root = root
        self.multiroot = multiroot

    def run(self, log_times: Float[Array, "nodes nodes"]) -> Laminar:
        race = functools.partial(_raced, self.root, self.multiroot)
        large = log_times.shape[0] >= ONE_BY_ONE
        return (one_by_one(race) if large else race)(jax.lax.stop_gradient(log_times))

    def replay(self, winners: Int[Array, " steps"]) -> Laminar:
        n = self.log_rates.shape[0]
        keys = jnp.arange(n * n, dtype=jnp.int32).reshape(n, n)
        there = self.log_rates > -jnp.inf

        def given_first(state):
            step = jnp.where(state.last > 0, n - 1 + state.last, jnp.arange(n, dtype=jnp.int32))
            given = keys == winners[step][None, :]
            return jnp.where(there, jnp.where(given, 0.0, 1.0), jnp.inf).astype(self.log_rates.dtype)

        last = jnp.diagonal if self.multiroot else lambda matrix: matrix[self.root]
        times = jnp.where(last(there), jnp.where(last(keys) == winners[2 * n - 1], 0.0, 1.0), jnp.inf)
        if not self.multiroot:
            there = there & (jnp.arange(n)[:, None] != self.root)
        return contract(
            _Clock(given_first, lambda earliest, spent: earliest),
            root_times=times.astype(self.log_rates.dtype),
            root=None if self.multiroot else self.root,
        )

    def value(self, trace: Laminar) -> Float[Array, "nodes nodes"]:
        return indicator(expand(trace), self.log_rates.shape, self.log_rates.dtype)

    def complete(self, trace: Laminar) -> Bool[Array, ""]:
        n = self.log_rates.shape[0]
        place = jnp.arange(n, dtype=jnp.int32)
        there = jnp.ones(n, bool) if self.mask is None else self.mask
        cycle = jnp.arange(1, n, dtype=jnp.int32)
        last = jnp.max(jnp.where(trace.member, cycle[:, None], 0), axis=0, initial=0)
        if self.root is None or not self.multiroot:  # one component is left, and it has a root
            others = there if self.root is None else there & (place != self.root)
            whole = jnp.all(jnp.where(others, last == jnp.max(last), True)) & (
                (jnp.max(last) > 0) | (jnp.sum(others) == 1)
            )
            return (whole & (trace.winners[2 * n - 1] >= 0)) | ~jnp.any(others)
        entered = trace.winners[jnp.where(last > 0, n - 1 + last, place)] >= 0
        return jnp.all(entered | ~there | (place == self.root))

    def recursion(self) -> Edmonds:
        return Edmonds(self.log_rates.shape[0], self.root, self.multiroot)

    @property
    def incomplete(self) -> str:
        return (
            "Arborescence: some node has no admissible arc into it, or cannot be reached from the root. Give such an "
            "arc a finite log-rate, choose another root, or mask the nodes that are not there."
        )


def rates_of_arcs(
    log_rates: Float[Array, "nodes nodes"], root: int | None, mask: Bool[Array, " nodes"] | None, owner: str
) -> Float[Array, "nodes nodes"]:
    """The log-rates or log-weights of the arcs and, on the diagonal, of free roots: -inf for what is no key.

    **Arguments:**

    - `log_rates`: (n, n), entry (u, v) for the arc u → v.
    - `root`: into which no arc leads; None: every node may be the root.
    - `mask`: (n,), False for nodes that are not there.
    - `owner`: the structure, for messages.

    **Raises:** `ValueError` for a shape that is not square or a root outside it, and as `checked_rates`.
    """
    n = square(log_rates, owner)
    if root is not None and not 0 <= root < n:
        raise ValueError(f"{owner}: root must be one of the {n} nodes or None, got {root}")
    place = jnp.arange(n)
    keys = jnp.ones((n, n), bool)
    if root is not None:
        keys = (place[:, None] != place[None, :]) & (place[None, :] != root)
    if mask is not None:
        keys = keys & mask[:, None] & mask[None, :]
    return checked_rates(kept(log_rates, keys), owner)


def _raced(root: int | None, multiroot: bool, log_times: Float[Array, "nodes nodes"]) -> Laminar:
    if multiroot:
        return contract(_Clock(lambda state: log_times, log_difference), root_times=jnp.diagonal(log_times))
    place = jnp.arange(log_times.shape[0])
    among = jnp.where(place[:, None] == root, jnp.inf, log_times)
    own = jnp.where(place == root, jnp.inf, log_times[root])
    return contract(_Clock(lambda state: among, log_difference), root_times=own, root=root)


def contract(clock: _Clock, *, root_times: Float[Array, " nodes"], root: int | None = None) -> Laminar:
    """Race and contract until there are no cycles left; then, if there is a race for the root, run it.

    **Arguments:**

    - `clock`: by what the races are decided.
    - `root_times`: (n,), logarithms of the times at which nodes arrive as the root, or at the end of the one arc from
        the root; all +inf where there is no such race.
    - `root`: from which that one arc leads; None: the nodes arrive as the root.
    """
    n = root_times.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    start = _Contraction(
        home=place,
        last=jnp.zeros(n, jnp.int32),
        spent=jnp.full(n, -jnp.inf, root_times.dtype),
        winners=jnp.full(2 * n, -1, jnp.int32),
        member=jnp.zeros((n - 1, n), bool),
        exits=jnp.full((n, n), -1, jnp.int32),
        cycles=jnp.int32(0),
        moving=jnp.ones(n, bool),
    )
    end = jax.lax.while_loop(
        lambda state: jnp.any(state.moving), lambda state: _contract_cycles(_race(state, clock)), start
    )
    exits = jnp.where(end.exits < 0, end.last[None, :], end.exits)
    chosen = jnp.argmin(root_times).astype(jnp.int32)
    row = chosen if root is None else root
    first = jnp.where(root_times[chosen] < jnp.inf, row * n + chosen, -1)
    return Laminar(end.winners.at[2 * n - 1].set(first), end.member, exits, root)


def _race(state: _Contraction, clock: _Clock) -> _Contraction:
    """The moving components take the first arc that enters them from outside."""
    n = state.home.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    entering = state.moving[None, :] & (state.home[:, None] != state.home[None, :])
    arrivals = jnp.where(entering, clock.arrivals(state), jnp.inf)
    earliest = jnp.min(arrivals, axis=0)  # for each head
    tail = jnp.min(jnp.where(arrivals == earliest[None, :], place[:, None], n), axis=0)
    key = tail * n + place
    least = clock.left(earliest, state.spent)
    first = jnp.full(n, jnp.inf, least.dtype).at[state.home].min(least)[state.home]  # for each head's component
    key = jnp.where((least == first) & (least < jnp.inf), key, n * n)
    winner = jnp.full(n, n * n, jnp.int32).at[state.home].min(key)[state.home]
    won = state.moving & (winner < n * n)
    step = jnp.where(won, jnp.where(state.last > 0, n - 1 + state.last, place), 2 * n)
    return state._replace(
        winners=state.winners.at[step].set(winner, mode="drop"),
        spent=jnp.where(won, log_add(state.spent, jnp.where(won, first, -jnp.inf)), state.spent),
        moving=jnp.zeros(n, bool),
    )


def _contract_cycles(state: _Contraction) -> _Contraction:
    """Make one component of every cycle of components."""
    n = state.home.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    step = jnp.where(state.last > 0, n - 1 + state.last, place)
    arc = state.winners[step]
    towards = jnp.where(arc < 0, state.home, state.home[jnp.where(arc < 0, 0, arc) // n])
    # After n jumps one is on a cycle; the smallest member of what is met on the way round names it.
    jump, least = towards, towards
    for _ in range(max(1, (n - 1).bit_length())):
        least = jnp.minimum(least, least[jump])
        jump = jump[jump]
    standing = towards == state.home
    on_cycle = jnp.zeros(n, bool).at[jump].set(True)[state.home] & ~standing
    home = jnp.where(on_cycle, least, state.home)
    first = on_cycle & (home == place)
    number = state.cycles + jnp.cumsum(first, dtype=jnp.int32)  # the new cycles, counted from 1
    last = jnp.where(on_cycle, number[home], state.last)
    parted = (state.home[:, None] != state.home[None, :]) & (home[:, None] == home[None, :])
    rows = jnp.arange(1, n, dtype=jnp.int32)
    return state._replace(
        home=home,
        last=last,
        member=state.member | (last[None, :] == rows[:, None]),
        exits=jnp.where(parted, state.last[None, :], state.exits),
        cycles=state.cycles + jnp.sum(first, dtype=jnp.int32),
        moving=on_cycle,
    )


def expand(trace: Laminar) -> Int[Array, " nodes"]:
    """The arc that enters each node in the end, -1 for none: an arc that enters a cycle at a node takes the place of
    the arcs that were chosen for the node, and for the smaller cycles it lies in, before."""
    n = trace.exits.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    # around[s, v]: v lies in the set of step s.
    around = jnp.concatenate([jnp.eye(n, dtype=bool), trace.member, jnp.ones((1, n), bool)])
    steps = jnp.arange(2 * n, dtype=jnp.int32)

    def open_set(state, step):
        arcs, settled = state
        arc = trace.winners[step]
        use = (arc >= 0) & ~settled[step]
        head = jnp.where(use, arc % n, 0)
        arcs = jnp.where(use & (place == head), arc, arcs)
        settled = settled | (use & around[:, head] & (steps <= step))
        return (arcs, settled), None

    start = jnp.full(n, -1, jnp.int32), jnp.zeros(2 * n, bool)
    (arcs, _), _ = jax.lax.scan(open_set, start, steps, reverse=True)
    return jnp.where(arcs == place * n + place, -1, arcs)  # the root's own
