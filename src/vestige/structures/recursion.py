"""The race: the one algorithm behind every structure, stated in plain Python.

Independent exponential times E_k ~ Exp(λ_k) arrive at the keys k of a structure. An algorithm only ever

1. splits off disjoint sets of keys that are still in play,
2. finds in each set the key that arrives first, its *winner*,
3. subtracts that minimum from the set, drops the winners, perhaps other keys too, and starts again.

**The stochastic invariant.** Whenever step 1 is reached, the times still in play are, given the winners so far,
independent exponentials with the *original* rates. For independent exponentials the place of the minimum is
independent of its value, and what exceeds the minimum is exponential again (no memory); the sets are disjoint and
depend on past winners alone, so that one level preserves what the next one needs. Two things would break it:
comparing a time that has been reduced with one that has not, and letting the numbers, rather than the winners,
decide which sets are formed next.

Hence the *trace* T, the list of (candidate set P_s, winner t_s), has a probability in closed form, and so has the
law of the times given the trace:

    log p(T)  =  Σ_s [ log λ_{t_s} − log Λ_s ],        Λ_s = Σ_{k ∈ P_s} λ_k
    E_k | T   =  Σ_{s: k ∈ P_s} M_s + R_k,             M_s ~ Exp(Λ_s),   R_k ~ Exp(λ_k), or 0 for winners

(Struminsky et al. 2021, arXiv:2110.15072: exponential-min trick and stochastic invariant; the closed form of the
conditional law is worked out from them.) `vestige.structures.traces` computes both on arrays. What stands here is
the definition against which the compiled structures are tested, and the means of listing all traces of a small one.
"""

import abc
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class AbstractRecursion(abc.ABC):
    """An algorithm that consists of races. Keys are integers, states are whatever it likes."""

    @abc.abstractmethod
    def start(self) -> Any:
        """The state before the first race.

        **Returns:** any value; `split` and `advance` must not change it in place.
        """

    @abc.abstractmethod
    def split(self, state: Any) -> Mapping[int, frozenset[int]]:
        """Disjoint candidate sets to be raced now. They follow from `state` alone.

        **Arguments:**

        - `state`: what `start` or `advance` returned.

        **Returns:** step number -> candidate keys; empty when the algorithm is done. The step numbers place the winners
        in the trace.
        """

    @abc.abstractmethod
    def advance(self, state: Any, winners: Mapping[int, int]) -> Any:
        """The state after some races. It never sees a time.

        **Arguments:**

        - `state`: that for which `split` returned the candidates.
        - `winners`: step number -> winning key, one for each of those candidate sets.

        **Returns:** the next state.
        """


Trace = dict[int, tuple[frozenset[int], int]]
"""Step number to (candidates, winner)."""


def play(recursion: AbstractRecursion, times: Sequence[float]) -> Trace:
    """Run the algorithm. Ties go to the smaller key. Time: sum of the sizes of all sets.

    **Arguments:**

    - `recursion`: the algorithm.
    - `times`: the arrival time of every key.

    **Returns:** the trace.
    """
    left = list(times)
    state, trace = recursion.start(), {}
    while sets := recursion.split(state):
        winners = {}
        for step, candidates in sets.items():
            winner = min(candidates, key=lambda key: (left[key], key))
            least = left[winner]
            for key in candidates:
                left[key] -= least
            winners[step] = winner
            trace[step] = (candidates, winner)
        state = recursion.advance(state, winners)
    return trace


def traces(recursion: AbstractRecursion) -> Iterator[Trace]:
    """Every trace there is. Their number grows faster than exponentially: for five nodes or so."""
    pending: list[tuple[Any, Trace]] = [(recursion.start(), {})]
    while pending:
        state, trace = pending.pop()
        sets = recursion.split(state)
        if not sets:
            yield trace
            continue
        for chosen in itertools.product(*(sorted(candidates) for candidates in sets.values())):
            winners = dict(zip(sets, chosen, strict=True))
            grown = {**trace, **{step: (sets[step], winner) for step, winner in winners.items()}}
            pending.append((recursion.advance(state, winners), grown))
