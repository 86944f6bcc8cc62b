"""Processes of a run as threads of this one, around a store of its own."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import jax


class Store:
    """What JAX keeps for its processes: a key is set once."""

    PATIENCE_SECONDS = 30

    def __init__(self):
        self.until = time.monotonic() + self.PATIENCE_SECONDS
        self.values, self.changed = {}, threading.Condition()

    def key_value_set(self, name, value):
        with self.changed:
            if name in self.values:
                raise jax.errors.JaxRuntimeError("ALREADY_EXISTS")
            self.values[name] = value
            self.changed.notify_all()

    def key_value_try_get(self, name):
        if name not in self.values:
            raise jax.errors.JaxRuntimeError("NOT_FOUND")
        return self.values[name]

    def blocking_key_value_get(self, name, milliseconds):
        if time.monotonic() > self.until:
            raise jax.errors.JaxRuntimeError("nobody answers")  # a test fails, and does not hang
        with self.changed:
            if not self.changed.wait_for(lambda: name in self.values, milliseconds / 1e3):
                raise jax.errors.JaxRuntimeError("DEADLINE_EXCEEDED: no answer")
            return self.values[name]

    def key_value_delete(self, name):
        with self.changed:
            self.values = {key: value for key, value in self.values.items() if not key.startswith(name)}


def each(teams, work):
    """What `work` returns, or raises, in every process at the same time."""

    def caught(team):
        try:
            return work(team)
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(teams)) as pool:
        return list(pool.map(caught, teams))
