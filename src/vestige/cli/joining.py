"""`vestige run` as one process of many: how it finds the others, and how it leaves them."""

import contextlib
import dataclasses
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vestige.checks import at_least
from vestige.cli.relay import relayed
from vestige.cli.streams import say
from vestige.errors import RunError, UsageError, VestigeError

if TYPE_CHECKING:
    from vestige.training.processes import Processes
    from vestige.training.team import AbstractTeam

JOIN_SECONDS = 300.0
"""How long the processes wait for each other at the start; `VESTIGE_JOIN_SECONDS` names another time."""
HEARTBEAT_SECONDS = 30
"""A process that has shown no life for so long counts as dead."""
LEAVE_SECONDS = 3.0
"""How long a process that ends with an error leaves the others to read why."""
AGREE_SECONDS = 1.5
"""How long a process that follows leaves it to the leader to report an error that both have."""
CLUSTERS = {
    "SLURM": ("SLURM_NTASKS", ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_LOCALID")),
    "Open MPI": ("OMPI_COMM_WORLD_SIZE", ("OMPI_MCA_orte_hnp_uri", "OMPI_COMM_WORLD_RANK")),
    "Kubernetes": ("", ("KUBERNETES_SERVICE_HOST", "JOB_COMPLETION_INDEX")),
}
"""By which variables JAX knows a launcher: how many processes it started, and what else it says."""


@dataclasses.dataclass(frozen=True)
class Joining:
    """Which processes make a run together."""

    coordinator: str | None = None
    """HOST:PORT of the process with id 0, where several processes make one run."""
    processes: int | None = None
    """How many processes make the run: by default as many as SLURM, Open MPI or Kubernetes started; 1: this one."""
    process_id: int | None = None
    """The number of this process, from 0; process 0 alone writes."""

    def check(self) -> "Joining":
        """**Returns:** itself. **Raises:** `ValueError` for numbers and names that do not fit each other."""
        at_least(self, 1, "processes")
        at_least(self, 0, "process_id")
        if self.coordinator is not None:
            host, _, port = self.coordinator.rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
                raise ValueError(f"coordinator must be HOST:PORT, such as 10.0.0.1:4321, got {self.coordinator}")
        explicit = {"coordinator": self.coordinator, "processes": self.processes, "process_id": self.process_id}
        missing = [f"--{name.replace('_', '-')}" for name, value in explicit.items() if value is None]
        if (self.coordinator is not None or self.process_id is not None) and missing:
            raise ValueError(
                "several processes make one run with --coordinator HOST:PORT --processes N --process-id I, all three: "
                f"{' and '.join(missing)} is missing"
            )
        if self.process_id is not None and self.processes is not None and self.process_id >= self.processes:
            raise ValueError(
                f"process_id must be in 0..{self.processes - 1}, the numbers of {self.processes} processes, got "
                f"{self.process_id}"
            )
        return self

    def launcher(self) -> str:
        """Who started several processes that are to make one run: "SLURM", …; "" where each is alone.

        **Raises:** `UsageError` where --processes says that there are several and nobody says which.
        """
        if self.coordinator is not None or self.processes == 1:
            return ""
        for name, (count, others) in CLUSTERS.items():
            if all(each in os.environ for each in others) and (not count or os.environ.get(count, "1") != "1"):
                return name
        if self.processes is not None:
            raise UsageError(
                f"--processes {self.processes}: no launcher is found ({', '.join(CLUSTERS)}), so give --coordinator "
                "HOST:PORT and --process-id too"
            )
        return ""


@contextlib.contextmanager
def joined(joining: Joining) -> Iterator["AbstractTeam"]:
    """Within the block the processes of a run are a team; this one alone, where there are no others.

    Where there are others, and the block ends with an error, the process ends here: it reports the error, unless the
    leader does, and lets the others know.

    **Arguments:**

    - `joining`: which processes.

    **Raises:** `UsageError` where they do not find each other.
    """
    launcher = joining.launcher()
    if joining.coordinator is None and not launcher:
        from vestige.training.team import Alone

        yield Alone()
        return
    rank = joining.process_id if joining.process_id is not None else _rank(launcher)
    with relayed(rank, joining.processes or _size(launcher)) as ends:
        ends["code"] = UsageError.exit_code
        _initialise(joining, launcher)
        ends["code"] = RunError.exit_code
        from vestige.training.processes import Processes

        team = Processes()
        leaving = threading.Lock()
        team.watch(lambda fault: _follow_out(team, fault, leaving))
        try:
            yield team
            team.part(JOIN_SECONDS)
        except BaseException as error:
            _leave(team, error, leaving)
            raise
        import jax

        jax.distributed.shutdown()


def _rank(launcher: str) -> int:
    name = {"SLURM": "SLURM_PROCID", "Open MPI": "OMPI_COMM_WORLD_RANK", "Kubernetes": "JOB_COMPLETION_INDEX"}[launcher]
    return int(os.environ[name])


def _size(launcher: str) -> int:
    """How many processes a launcher started; 0 where it does not say."""
    return int(os.environ.get(CLUSTERS[launcher][0], "0"))


def _seconds() -> float:
    given = os.environ.get("VESTIGE_JOIN_SECONDS", "")
    try:
        return float(given) if given else JOIN_SECONDS
    except ValueError:
        raise UsageError(f"VESTIGE_JOIN_SECONDS must be a number of seconds, got {given}") from None


def _initialise(joining: Joining, launcher: str) -> None:
    """`jax.distributed.initialize`. **Raises:** `UsageError` where the processes do not find each other."""
    import jax

    seconds = _seconds()
    _disable_wakeup_preemption()
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM, which the loop answers
    how: dict[str, Any] = {}
    if joining.coordinator is not None:
        how = {
            "coordinator_address": joining.coordinator,
            "num_processes": joining.processes,
            "process_id": joining.process_id,
            "cluster_detection_method": "deactivate",
        }
        host = joining.coordinator.rpartition(":")[0].strip("[]")
        if joining.process_id == 0:
            _need_port(joining.coordinator)
            if host in ("localhost", "127.0.0.1", "::1"):
                how["coordinator_bind_address"] = joining.coordinator  # not open to the network
        else:
            _need_coordinator(joining.coordinator, seconds)
    try:
        jax.distributed.initialize(
            **how,
            initialization_timeout=max(1, int(seconds)),
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            shutdown_timeout_seconds=HEARTBEAT_SECONDS,
        )
        with _silent_output():
            from jax.experimental import multihost_utils

            multihost_utils.sync_global_devices("vestige")  # makes the connections, which Gloo reports
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        if launcher:
            raise UsageError(
                f"{launcher} started several processes, which did not find each other within {seconds:.0f} s: {reason}"
                ". Give --coordinator, --processes and --process-id, or --processes 1 where each is a run of its own"
            ) from None
        raise UsageError(
            f"the processes did not find each other at {joining.coordinator} within {seconds:.0f} s: {reason}. "
            "Start all of them with the same --coordinator and --processes, and each number from 0 once as --process-id"
        ) from None


def _disable_wakeup_preemption() -> None:
    """A thread that wakes up does not preempt another one of this process, nor do those that are made from now on.

    A sum over processes waits for Gloo's thread, which polls the network. On a process with one core that thread
    preempts the one that sends and holds the lock of the connection, and spins on the lock until its time slice ends:
    4 ms for 400 kB, against 0.15. Linux alone has the policy (SCHED_BATCH), for every user.
    """
    if hasattr(os, "SCHED_BATCH") and os.sched_getscheduler(0) == os.SCHED_OTHER:
        with contextlib.suppress(OSError):  # where a sandbox forbids it, sums are slower
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _address(coordinator: str) -> tuple[str, int]:
    host, _, port = coordinator.rpartition(":")
    return host.strip("[]"), int(port)


def _need_port(coordinator: str) -> None:
    """**Raises:** `UsageError` where the port is in use, or the host is another machine."""
    host, port = _address(coordinator)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(found[0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(found[4])
    except OSError as error:
        raise UsageError(
            f"--coordinator {coordinator}: process 0 cannot listen there ({error.strerror or error}). Choose a free "
            "port, the same for all processes, and a host name or address of the machine of process 0"
        ) from None


def _need_coordinator(coordinator: str, seconds: float) -> None:
    """Wait until process 0 listens. **Raises:** `UsageError` where it does not."""
    until = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(_address(coordinator), timeout=max(1.0, min(5.0, seconds))):
                return
        except OSError as error:
            if time.monotonic() >= until:
                raise UsageError(
                    f"--coordinator {coordinator}: process 0 is not reached within {seconds:.0f} s "
                    f"({error.strerror or error}). Start it with --process-id 0, and check host, port and firewall"
                ) from None
            time.sleep(0.2)


@contextlib.contextmanager
def _silent_output() -> Iterator[None]:
    """Within the block what libraries write to standard output goes nowhere: it may be a JSON document's."""
    sys.stdout.flush()
    before, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)
        os.close(nowhere)


def _leave(team: "Processes", error: BaseException, leaving: threading.Lock) -> None:
    """End this process with the exit code of `error`, and a message unless the leader has it; return only where
    the error is an ordered end."""
    from vestige.cli import said_of
    from vestige.training.processes import Lost

    leaving.acquire()
    message, code = "interrupted", 130
    if isinstance(error, VestigeError):
        message, code = str(error), error.exit_code
    elif isinstance(error, Exception):
        lost = team.lost(error)
        message, code = lost or said_of(error), 1
    fault = _leaders_word(team) if not team.leads else None
    ours = fault is None and not isinstance(error, Lost)
    if ours or team.leads:
        team.fail(message, code)
    if team.leads or fault is None:
        say(f"vestige: {message}" if team.leads else f"vestige: process {team.rank} of {team.size}: {message}")
    _out(team, code)


def _leaders_word(team: "Processes") -> dict[str, Any] | None:
    """The fault of another process, which is reported there; None where this one is the first."""
    until = time.monotonic() + AGREE_SECONDS
    while time.monotonic() < until:
        fault = team.fault()
        if fault is not None and fault["rank"] != team.rank:
            return fault
        time.sleep(0.1)
    return None


def _follow_out(team: "Processes", fault: dict[str, Any], leaving: threading.Lock) -> None:
    """Another process failed: end this one too, if its main thread has not left by itself in a while. A checkpoint that
    it completes is completed first."""
    from vestige.training.background import CLOSE_SECONDS

    time.sleep(AGREE_SECONDS)
    team.written(CLOSE_SECONDS)
    if not leaving.acquire(blocking=False):
        return
    if team.leads:
        say(f"vestige: process {fault['rank']} of {team.size} ended: {fault['said']}")
    _out(team, fault["code"])


def _out(team: "Processes", code: int) -> None:
    """End this process. The store is in the leader, which therefore goes last."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if team.leads:
        time.sleep(LEAVE_SECONDS)
    os._exit(code)
