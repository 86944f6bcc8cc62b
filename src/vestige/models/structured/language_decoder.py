"""The decoder along a binary tree: every token given those above it."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.cells import GRU
from vestige.models.structured.language import SCALE, ends
from vestige.models.structured.text_layers import affine
from vestige.typing import Key


class Layout(NamedTuple):
    """A binary tree over positions, as a decoder walks down it."""

    parent: Int[Array, " n"]
    """-1 for the root and for padding."""
    left: Int[Array, " n"]
    right: Int[Array, " n"]
    """The subtree of each position covers those from `left` to `right`, both included."""
    order: Int[Array, " n"]
    """The positions, parents before their children."""


def layout(value: Float[Array, "n n"]) -> Layout:
    """What the indicator matrix of children, `value`, says of each position. O(n³ log n)."""
    n = value.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    above = (value > 0) | jnp.eye(n, dtype=bool)  # (i, j): j is i or hangs below it
    for _ in range(max(1, (n - 1).bit_length())):  # descendants of up to 1, 2, 4, … generations
        above = (above.astype(jnp.float32) @ above.astype(jnp.float32)) > 0
    left = jnp.min(jnp.where(above, place[None, :], n), axis=1)
    right = jnp.max(jnp.where(above, place[None, :], -1), axis=1)
    parent = jnp.where(jnp.any(value > 0, axis=0), jnp.argmax(value, axis=0).astype(jnp.int32), -1)
    return Layout(parent, left, right, jnp.argsort(jnp.sum(above, axis=0), stable=True).astype(jnp.int32))


class TreeDecoder(eqx.Module):
    """Every token given the tokens of its ancestors, their places and sides, and the interval that its subtree covers.

    A GRU walks from the root to the leaves. The state of a position is made of its parent's state and token, of whether
    it lies left or right of it, of how many positions its subtree has on its left and on its right, and of how many the
    text has before and behind the subtree.

    **Arguments:**

    - `tokens`: how many kinds.
    - `longest`: positions a row.
    - `width`: of the states.
    """

    token: Float[Array, "tokens_and_none drive"]
    side: Float[Array, "2 drive"]
    sizes: Float[Array, "4 longest drive"]
    cell: GRU
    out: eqx.nn.Linear

    def __init__(self, tokens: int, longest: int, width: int, *, key: Key):
        keys = jax.random.split(key, 5)
        self.cell = GRU(0, width, key=keys[0])
        self.token = SCALE * jax.random.normal(keys[1], (tokens + 1, self.cell.drive_size))
        self.side = SCALE * jax.random.normal(keys[2], (2, self.cell.drive_size))
        self.sizes = SCALE * jax.random.normal(keys[3], (4, longest, self.cell.drive_size))
        self.out = eqx.nn.Linear(width, tokens, key=keys[4])

    def __call__(
        self, tokens: Int[Array, " n"], mask: Bool[Array, " n"], value: Float[Array, "n n"]
    ) -> Float[Array, "n tokens"]:
        """The logits of each position given its ancestors. O(n width²), one step a position.

        **Arguments:**

        - `tokens`: (n,), what stands at each position.
        - `mask`: (n,), False for padding, whose logits mean nothing.
        - `value`: (n, n), 1 at (i, j) if j is a child of i.
        """
        tree = layout(value)
        above = jnp.where(tree.parent < 0, self.no_token, tokens[tree.parent])
        drives = self.place_drives(tree, mask) + self.token[above]

        def step(states: Array, at: Array) -> tuple[Array, None]:
            parent = tree.parent[at]
            state = jnp.where(parent < 0, self.cell.init(), states[parent])
            return states.at[at].set(self.advance(state, drives[at])), None

        states = jnp.zeros((tokens.shape[0], self.cell.output_size))
        return affine(self.out, jax.lax.scan(step, states, tree.order)[0])

    def generate(self, mask: Bool[Array, " n"], value: Float[Array, "n n"], *, key: Key) -> Int[Array, " n"]:
        """Draw the tokens along a tree.

        **Arguments:**

        - `mask`, `value`: as above.

        **Returns:** (n,), int32; 0 for padding.
        """
        n, tree = mask.shape[0], layout(value)
        drives = self.place_drives(tree, mask)
        noise = jax.random.gumbel(key, (n, self.no_token))

        def step(carry: tuple[Array, Array], given: tuple[Array, Array]) -> tuple[tuple[Array, Array], None]:
            states, tokens = carry
            at, noise = given
            parent = tree.parent[at]
            state = jnp.where(parent < 0, self.cell.init(), states[parent])
            above = jnp.where(parent < 0, self.no_token, tokens[parent])
            state = self.advance(state, drives[at] + self.token[above])
            token = jnp.argmax(self.out(state) + noise).astype(jnp.int32)
            return (states.at[at].set(state), tokens.at[at].set(token)), None

        start = jnp.zeros((n, self.cell.output_size)), jnp.zeros(n, jnp.int32)
        tokens = jax.lax.scan(step, start, (tree.order, noise))[0][1]
        return jnp.where(mask, tokens, 0)

    def place_drives(self, tree: Layout, mask: Bool[Array, " n"]) -> Float[Array, "n drive"]:
        """What the places alone put into the state of each position.

        **Arguments:**

        - `tree`: of the positions.
        - `mask`: (n,), False for padding.
        """
        place = jnp.arange(mask.shape[0], dtype=jnp.int32)
        before, behind = ends(mask)
        drives = self.sized(place - tree.left, tree.right - place, before[tree.left], behind[tree.right])
        return drives + jnp.where(tree.parent < 0, 0.0, 1.0)[:, None] * self.sided(place > tree.parent)

    @property
    def no_token(self) -> int:
        """The number that stands for the token above the root, which is how many tokens there are."""
        return self.token.shape[0] - 1

    def sized(self, *sizes: Int[Array, " places"]) -> Float[Array, "places drive"]:
        """What four `sizes` say: positions of the subtree left and right of its root, and of the text before and behind
        the subtree."""
        return sum((table[size] for table, size in zip(self.sizes, sizes, strict=True)), jnp.zeros(()))

    def sided(self, right: Bool[Array, " places"]) -> Float[Array, "places drive"]:
        """What it says to lie `right` of the parent, or left of it."""
        return self.side[right.astype(jnp.int32)]

    def advance(self, state: Float[Array, " width"], drive: Float[Array, " drive"]) -> Float[Array, " width"]:
        """The state of a position.

        **Arguments:**

        - `state`: of its parent; zeros for the root.
        - `drive`: what its place and its parent's token put in.
        """
        return self.cell(state, jnp.zeros((0,), drive.dtype), drive)[0]
