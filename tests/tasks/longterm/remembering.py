"""Models written by hand: some know everything, some nothing."""

import equinox as eqx
import jax
import jax.numpy as jnp

SURE = 40.0


def scanned(step, state, inputs, mask):
    """Each step in turn; a masked one changes nothing."""

    def follow(state, seen):
        x, inside = seen
        state = jax.tree.map(lambda new, old: jnp.where(inside, new, old), step(state, x), state)
        return state, state

    return jax.lax.scan(follow, state, (inputs, mask))


class Blind(eqx.Module):
    """Remembers nothing, and says the same at every step."""

    says: jax.Array

    def init(self):
        return jnp.zeros(1)

    def encode(self, state, inputs, mask):
        return state, jnp.zeros((mask.shape[0], 1))

    def predict(self, memory, inputs):
        return self.says


class First(eqx.Module):
    """Remembers the first token, and answers it with logit `sure` among `classes`. No loop over steps."""

    classes: int = eqx.field(static=True)
    sure: float = eqx.field(static=True, default=SURE)

    def init(self):
        return jnp.array(-1, jnp.int32)

    def encode(self, state, inputs, mask):
        state = jnp.where(state < 0, inputs[0], state)
        return state, jnp.full((mask.shape[0], 1), state.astype(jnp.float32))

    def predict(self, memory, inputs):
        return self.sure * jax.nn.one_hot(memory[0].astype(jnp.int32), self.classes)


class Notebook(eqx.Module):
    """Writes down every token below `alphabet`, and counts how often it was asked, by any token above it."""

    symbols: int = eqx.field(static=True)
    alphabet: int = eqx.field(static=True)
    classes: int = eqx.field(static=True)

    def init(self):
        return jnp.zeros(self.symbols, jnp.int32), jnp.array(0, jnp.int32), jnp.array(0, jnp.int32)

    def encode(self, state, inputs, mask):
        def step(state, token):
            page, written, asked = state
            symbol = token < self.alphabet
            page = jnp.where(symbol, page.at[written].set(token), page)
            return page, written + symbol.astype(jnp.int32), asked + (token > self.alphabet).astype(jnp.int32)

        state, (pages, _, asked) = scanned(step, state, inputs, mask)
        return state, jnp.concatenate([pages, asked[:, None]], axis=1).astype(jnp.float32)

    def predict(self, memory, inputs):
        page, asked = memory[:-1], memory[-1].astype(jnp.int32)
        return SURE * jax.nn.one_hot(page[asked - 1].astype(jnp.int32), self.classes)


class Total(eqx.Module):
    """Adds up what `value` says of each step, and answers `answer` of the sum."""

    value: callable = eqx.field(static=True)
    answer: callable = eqx.field(static=True)

    def init(self):
        return jnp.zeros(1)

    def encode(self, state, inputs, mask):
        return scanned(lambda total, x: total + self.value(x), state, inputs, mask)

    def predict(self, memory, inputs):
        return self.answer(memory)


class FirstAddend(eqx.Module):
    """Remembers the first marked number, and takes the other one for a half."""

    def init(self):
        return jnp.zeros(1)

    def encode(self, state, inputs, mask):
        return scanned(lambda first, x: jnp.where(first == 0, x[:1] * x[1:], first), state, inputs, mask)

    def predict(self, memory, inputs):
        return memory + 0.5


class Leaky(eqx.Module):
    """A recurrent network with random weights."""

    table: jax.Array
    mixing: jax.Array
    output: jax.Array

    def __init__(self, tokens, classes, *, key):
        keys = jax.random.split(key, 3)
        self.table = jax.random.normal(keys[0], (tokens, 5))
        self.mixing = jax.random.normal(keys[1], (5, 5)) / 2
        self.output = jax.random.normal(keys[2], (classes, 5))

    def init(self):
        return jnp.zeros(5)

    def encode(self, state, inputs, mask):
        return scanned(lambda h, x: jnp.tanh(self.mixing @ h + self.table[x]), state, inputs, mask)

    def predict(self, memory, inputs):
        return self.output @ (memory + self.table[inputs])
