"""Balanced words of brackets (Dyck words): how many there are, all of them, and uniform draws."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from vestige.typing import Key


def log_catalan(pairs: int) -> float:
    """Logarithm of the Catalan number of `pairs`: of how many balanced words of so many pairs there are, of one kind of
    bracket."""
    return math.log(math.comb(2 * pairs, pairs) // (pairs + 1))


def log_words(pairs: int, kinds: int) -> float:
    """Logarithm of the number of balanced words, which is their entropy in nats where all are equally likely.

    **Arguments:**

    - `pairs`: of brackets in a word.
    - `kinds`: of brackets.
    """
    return log_catalan(pairs) + pairs * math.log(kinds)


def open_probability(left: Float[Array, "*some"], height: Float[Array, "*some"]) -> Float[Array, "*some"]:
    """The probability that the next token opens a bracket, where all balanced words are equally likely.

    (h + 2) (r - h) / (2 r (h + 1)), the ballot recursion (notes, section 5.4).

    **Arguments:**

    - `left`: r, tokens that are to come, the next one included; at least 1.
    - `height`: h, brackets that are open.
    """
    return (height + 2.0) * (left - height) / (2.0 * left * (height + 1.0))


def drawn_word(pairs: Int[Array, ""], longest: int, kinds: int, *, key: Key) -> Int[Array, " longest"]:
    """A balanced word, uniform over all of so many pairs: brackets open by `open_probability`, kinds are drawn evenly.
    O(longest) steps.

    **Arguments:**

    - `pairs`: of the word, int32; at most `longest` / 2.
    - `longest`: tokens a row, static.
    - `kinds`: of brackets, static.

    **Returns:** (longest,), int32: `kind` for one that opens, `kinds + kind` for one that closes; 0 behind the word.
    """
    uniform, for_kinds = jax.random.uniform(key, (2, longest))
    chosen = jnp.minimum(kinds * for_kinds, kinds - 1).astype(jnp.int32)

    def step(carry: tuple[Array, Array], given: tuple[Array, Array, Array]) -> tuple[tuple[Array, Array], Array]:
        height, stack = carry
        place, noise, kind = given
        left = 2 * pairs - place
        opens = noise < open_probability(jnp.maximum(left, 1).astype(jnp.float32), height.astype(jnp.float32))
        top = stack[jnp.maximum(height - 1, 0)]
        token = jnp.where(opens, kind, kinds + top)
        stack = jnp.where(opens, stack.at[height].set(kind), stack)
        return (height + jnp.where(opens, 1, -1), stack), jnp.where(left > 0, token, 0)

    start = jnp.zeros((), jnp.int32), jnp.zeros(longest, jnp.int32)
    return jax.lax.scan(step, start, (jnp.arange(longest, dtype=jnp.int32), uniform, chosen))[1]


def all_words(pairs: int, kinds: int) -> Int[np.ndarray, "words tokens"]:
    """All balanced words.

    **Arguments:**

    - `pairs`, `kinds`: as for `log_words`.

    **Returns:** (words, 2 pairs), in the tokens of `drawn_word`.
    """
    shapes: list[tuple[int, ...]] = []

    def grow(word: tuple[int, ...], height: int) -> None:
        left = 2 * pairs - len(word)
        if not left:
            shapes.append(word)
        if height < left:
            grow((*word, 1), height + 1)
        if height:
            grow((*word, 0), height - 1)

    grow((), 0)
    return np.array([_kinded(shape, drawn, kinds) for shape in shapes for drawn in _choices(pairs, kinds)], np.int32)


def is_balanced(tokens: Int[Array, " longest"], mask: Bool[Array, " longest"], kinds: int) -> Bool[Array, ""]:
    """Whether every bracket is closed by one of its kind. O(longest) steps.

    **Arguments:**

    - `tokens`: (longest,), as `drawn_word` returns them.
    - `mask`: (longest,), False behind the word.
    - `kinds`: of brackets.
    """

    def step(carry: tuple[Array, Array, Array], given: tuple[Array, Array]) -> tuple[tuple[Array, Array, Array], None]:
        height, stack, sound = carry
        token, there = given
        opens = token < kinds
        matches = (height > 0) & (stack[jnp.maximum(height - 1, 0)] == token - kinds)
        stack = jnp.where(there & opens, stack.at[height].set(token), stack)
        height = jnp.where(there, jnp.maximum(height + jnp.where(opens, 1, -1), 0), height)
        return (height, stack, sound & (~there | opens | matches)), None

    start = jnp.zeros((), jnp.int32), jnp.zeros(tokens.shape, jnp.int32), jnp.ones((), bool)
    height, _, sound = jax.lax.scan(step, start, (tokens.astype(jnp.int32), mask))[0]
    return sound & (height == 0)


def written(tokens: Int[np.ndarray, "*places"], kinds: int) -> np.ndarray:
    """The brackets as characters: `(`, `)`, then `[`, `]`, `{`, `}`, `<`, `>`, and beyond four kinds `(5`, `)5`, ….

    **Arguments:**

    - `tokens`: as `drawn_word` returns them, of any shape.
    - `kinds`: of brackets.

    **Returns:** strings, of the same shape.
    """
    pairs = ["()", "[]", "{}", "<>"][:kinds]
    more = [str(kind + 1) for kind in range(4, kinds)]
    sides = ([pair[side] for pair in pairs] + ["()"[side] + number for number in more] for side in (0, 1))
    return np.array([text for side in sides for text in side])[tokens]


def _choices(pairs: int, kinds: int) -> "itertools.product[tuple[int, ...]]":
    return itertools.product(range(kinds), repeat=pairs)


def _kinded(shape: tuple[int, ...], drawn: tuple[int, ...], kinds: int) -> list[int]:
    """A word of one kind, 1 where it opens, with the kinds of its pairs in the order in which they open."""
    word: list[int] = []
    stack: list[int] = []
    given = iter(drawn)
    for opens in shape:
        if opens:
            stack.append(next(given))
            word.append(stack[-1])
        else:
            word.append(kinds + stack.pop())
    return word
