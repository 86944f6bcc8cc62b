import os
import socket
import subprocess
import sys

import pytest

from vestige.cli.joining import CLUSTERS, Joining, joined
from vestige.cli.parse import parse
from vestige.cli.run import SingleRunSettings
from vestige.errors import UsageError
from vestige.training.team import Alone

AT = "127.0.0.1:4321"


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch):
    for count, others in CLUSTERS.values():
        for name in (count, *others):
            monkeypatch.delenv(name, raising=False)


def parsed(*words):
    return parse("run", ["bars-and-stripes", *words], SingleRunSettings).settings


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--coordinator", AT], "--processes and --process-id is missing"),
        (["--process-id", "1", "--processes", "2"], "--coordinator is missing"),
        (["--coordinator", "here", "--processes", "2", "--process-id", "0"], "must be HOST:PORT"),
        (["--coordinator", "here:0", "--processes", "2", "--process-id", "0"], "must be HOST:PORT"),
        (["--coordinator", AT, "--processes", "2", "--process-id", "2"], "process_id must be in 0..1"),
        (["--coordinator", AT, "--processes", "0", "--process-id", "0"], "processes must be at least 1"),
        (["--coordinator", AT, "--processes", "2", "--process-id", "0", "--seeds", "2"], "one run of one seed"),
        (["--coordinator", AT, "--processes", "2", "--process-id", "0", "--devices", "2"], "leave devices out"),
    ],
)
def test_what_does_not_fit_is_named(words, said):
    with pytest.raises(UsageError, match=said):
        parsed(*words)


def test_alone_where_there_are_no_others():
    for words in ([], ["--processes", "1"]):
        with joined(parsed(*words)) as team:
            assert isinstance(team, Alone)
            assert team.leads and team.gathered("x") == ["x"] and team.shared(lambda: 3) == 3


def test_several_need_a_launcher_or_a_coordinator():
    with pytest.raises(UsageError, match="no launcher is found"), joined(parsed("--processes", "2")):
        pass


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"SLURM_NTASKS": "4"}, ""),  # an allocation, without srun
        (dict.fromkeys(["SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_LOCALID"], "1"), ""),
        (
            dict.fromkeys(["SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_LOCALID"], "1")
            | {"SLURM_NTASKS": "4"},
            "SLURM",
        ),
        ({"OMPI_MCA_orte_hnp_uri": "1;tcp://10.0.0.1:1", "OMPI_COMM_WORLD_RANK": "0"}, ""),
        (
            {"OMPI_MCA_orte_hnp_uri": "1;tcp://10.0.0.1:1", "OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"},
            "Open MPI",
        ),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, ""),  # any pod
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "0"}, "Kubernetes"),
    ],
)
def test_launchers_are_found_by_what_they_set(monkeypatch, variables, found):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Joining().launcher() == found
    assert Joining(processes=1).launcher() == ""
    assert Joining(coordinator=AT, processes=2, process_id=0).launcher() == ""


def test_a_port_in_use_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(UsageError, match="process 0 cannot listen there .*Choose a free port"),
            joined(Joining(at, 2, 0)),
        ):
            pass


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="Linux alone has the policy")
def test_threads_made_after_joining_do_not_preempt_each_other():
    code = (
        "import os, threading; from vestige.cli.joining import _disable_wakeup_preemption as f; f(); "
        "t = threading.Thread(target=lambda: print(os.sched_getscheduler(0) == os.SCHED_BATCH)); t.start(); t.join()"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "True\n"


@pytest.mark.slow
def test_others_that_do_not_come_are_waited_for_no_longer_than_said():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "vestige", "run", "bars-and-stripes", "--coordinator", at, "--processes", "2"]
    environment = {**os.environ, "VESTIGE_JOIN_SECONDS": "2"}
    found = subprocess.run([*command, "--process-id", "0"], env=environment, capture_output=True, text=True)
    assert found.returncode == 2
    assert found.stderr.startswith("vestige: process 0 of 2 waited in vain for the others")
    assert len(found.stderr.splitlines()) == 1


def test_a_coordinator_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("VESTIGE_JOIN_SECONDS", "0.3")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{free.getsockname()[1]}"
    with (
        pytest.raises(UsageError, match=r"process 0 is not reached within 0 s .*Start it with --process-id 0"),
        joined(Joining(at, 2, 1)),
    ):
        pass
    monkeypatch.setenv("VESTIGE_JOIN_SECONDS", "soon")
    with pytest.raises(UsageError, match="VESTIGE_JOIN_SECONDS must be a number"), joined(Joining(at, 2, 1)):
        pass
