"""Processes that found each other by `jax.distributed`, as a team."""

import contextlib
import importlib
import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar, final

import equinox as eqx
import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from vestige.errors import RunError, VestigeError, shown
from vestige.training.refusal import Refused
from vestige.training.team import AbstractTeam

Plain = TypeVar("Plain")

SLICE_SECONDS = 0.5
"""How long one wait for another process may keep this one from answering a signal."""
FAULT_SECONDS = 3.0
"""How long a process whose connection broke waits for a word of the one that ended."""
FAULT = "vestige/fault"
BROKEN = re.compile(
    r"Gloo \w+ failed|Connection (closed|reset) by peer|heartbeat|coordination service|DistributedRuntime|NCCL|"
    r"Socket closed|task.*(unhealthy|died|crashed)|UNAVAILABLE"
)
"""What JAX reports where another process is gone."""


class Lost(RunError):
    """Another process of the run is gone, or ended it with an error.

    **Arguments:**

    - `message`: one sentence.
    - `exit_code`: with which this process ends for it, that of the other one.
    """

    def __init__(self, message: str, exit_code: int = 1):
        super().__init__(message)
        self.exit_code = exit_code


@final
class Processes(AbstractTeam):
    """The processes of `jax.distributed`, which must be initialised.

    Values go through the key-value store that JAX keeps in the leader: a wait there may last as long as it must (the
    leader evaluates, another process compiles), and the main thread answers signals meanwhile. Gradients do not: their
    sums are part of the compiled program.

    A process that fails says so in the store before it ends, and the others end by that; of one that is killed they
    hear by its broken connections, or by the heartbeats that JAX misses.
    """

    def __init__(self):
        from jax._src.distributed import global_state  # no public door to the store; tests/training/test_processes.py

        if global_state.client is None:
            raise ValueError("jax.distributed.initialize must be called before the team is made")
        self.rank, self.size = jax.process_index(), jax.process_count()
        self._writing = threading.Lock()
        self._client = global_state.client
        self._round = self._kept = 0

    @property
    def writing(self) -> AbstractContextManager[Any]:
        return self._writing

    def written(self, seconds: float) -> bool:
        """Wait until no checkpoint is being completed here, `seconds` at most; none is from then on.

        **Returns:** whether that is so.
        """
        return self._writing.acquire(timeout=seconds)

    def shared(self, make: Callable[[], Plain]) -> Plain:
        name = self._next()
        if not self.leads:
            return _opened(json.loads(self._get(f"{name}/0")))
        try:
            made = make()
        except Exception as error:
            self._put(f"{name}/0", json.dumps(_worded(error)))
            raise
        text = json.dumps({"value": made})
        self._put(f"{name}/0", text)
        return json.loads(text)["value"]

    def gathered(self, value: Plain) -> list[Plain]:
        name = self._next()
        self._put(f"{name}/{self.rank}", json.dumps(value))
        found = [json.loads(self._get(f"{name}/{rank}")) for rank in range(self.size)]
        self._forget()
        return found

    def mesh(self) -> Mesh:
        return Mesh(np.array(jax.devices()), ("data",))

    def spread(self, tree: Any, mesh: Mesh) -> Any:
        arrays, static = eqx.partition(tree, eqx.is_array)
        leaves, structure = jax.tree.flatten(arrays)
        is_key = [jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key) for leaf in leaves]
        plain = [np.asarray(jax.random.key_data(x) if key else x) for x, key in zip(leaves, is_key, strict=True)]
        whole = NamedSharding(mesh, PartitionSpec())
        spread = []
        for leaf, key, data in zip(leaves, is_key, multihost_utils.broadcast_one_to_all(plain), strict=True):
            same = np.asarray(data).astype(plain[len(spread)].dtype)
            found = jax.make_array_from_callback(same.shape, whole, lambda index, same=same: same[index])
            spread.append(jax.random.wrap_key_data(found, impl=jax.random.key_impl(leaf)) if key else found)
        return eqx.combine(jax.tree.unflatten(structure, spread), static)

    def lost(self, error: Exception) -> str:
        if isinstance(error, VestigeError) or not BROKEN.search(str(error)):
            return ""
        until = time.monotonic() + FAULT_SECONDS
        while time.monotonic() < until:
            if fault := self.fault():
                return _sentence(fault, self.size)
            time.sleep(0.1)
        return f"one of the {self.size} processes of this run is gone ({shown(_reason(error), 200)})"

    def fault(self) -> dict[str, Any] | None:
        """What the first process that failed said: its rank, message and exit code; None where none did."""
        try:
            return json.loads(self._client.key_value_try_get(FAULT))
        except Exception:  # not there, or the leader is gone
            return None

    def fail(self, message: str, exit_code: int) -> bool:
        """Let the others know that this process ends.

        **Arguments:**

        - `message`, `exit_code`: of its error.

        **Returns:** whether it is the first.
        """
        try:
            self._client.key_value_set(FAULT, json.dumps({"rank": self.rank, "said": message, "code": exit_code}))
        except Exception:  # another one came before, or the leader is gone
            return False
        return True

    def part(self, seconds: float) -> None:
        """Wait until every process has come here, or `seconds` are over. **Raises:** `Lost` where one fails."""
        try:
            self._client.wait_at_barrier("vestige/end", int(1e3 * seconds))
        except jax.errors.JaxRuntimeError as error:
            raise Lost(
                self.lost(error) or f"the processes of this run did not end together: {_reason(error)}"
            ) from None

    def watch(self, found: Callable[[dict[str, Any]], None]) -> threading.Thread:
        """Call `found`, in a thread, with the fault of another process; once."""

        def wait() -> None:
            while True:
                time.sleep(SLICE_SECONDS)
                fault = self.fault()
                if fault is not None:
                    if fault["rank"] != self.rank:
                        found(fault)
                    return

        thread = threading.Thread(target=wait, daemon=True, name="vestige-team")
        thread.start()
        return thread

    def _next(self) -> str:
        self._round += 1
        return f"vestige/{self._round}"

    def _forget(self) -> None:
        """Remove what was exchanged before this round: every process has come here, and so has read it."""
        if self.leads:
            for past in range(self._kept + 1, self._round):
                with contextlib.suppress(Exception):
                    self._client.key_value_delete(f"vestige/{past}/")
        self._kept = self._round - 1

    def _put(self, name: str, text: str) -> None:
        try:
            self._client.key_value_set(name, text)
        except jax.errors.JaxRuntimeError as error:
            raise self._gone(error) from None

    def _get(self, name: str) -> str:
        while True:
            try:
                return self._client.blocking_key_value_get(name, int(1e3 * SLICE_SECONDS))
            except jax.errors.JaxRuntimeError as error:
                if "DEADLINE_EXCEEDED" not in str(error):
                    raise self._gone(error) from None
            if fault := self.fault():
                raise Lost(_sentence(fault, self.size), fault["code"])

    def _gone(self, error: Exception) -> Lost:
        return Lost(self.lost(error) or f"the processes of this run no longer reach each other: {_reason(error)}")


def _sentence(fault: dict[str, Any], size: int) -> str:
    return f"process {fault['rank']} of {size} ended: {fault['said']}"


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _worded(error: Exception) -> dict[str, Any]:
    """An error, as it is sent."""
    known = isinstance(error, (VestigeError, Refused)) and type(error).__module__.startswith("vestige.")
    kind = type(error) if known else RunError
    text = str(error) if known else f"{type(error).__name__}: {_reason(error)}"
    return {"module": kind.__module__, "kind": kind.__qualname__, "said": text}


def _opened(sent: dict[str, Any]) -> Any:
    """The value that was sent. **Raises:** the error that was."""
    if "kind" not in sent:
        return sent["value"]
    raise getattr(importlib.import_module(sent["module"]), sent["kind"])(sent["said"])
