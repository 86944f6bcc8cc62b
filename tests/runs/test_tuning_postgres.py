"""A study in PostgreSQL, shared by two processes: a server of its own on loopback."""

import dataclasses
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from vestige.runs.tuning.place import Place
from vestige.runs.tuning.study import open_study

optuna = pytest.importorskip("optuna", reason="Optuna, vestige[tune], is not installed")
pytest.importorskip("psycopg", reason="psycopg, the driver of PostgreSQL, is not installed")
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not BINARIES or sys.platform != "linux", reason="PostgreSQL is not installed (apt-get install postgresql)"
    ),
    pytest.mark.skipif(os.getuid() == 0 and not shutil.which("runuser"), reason="PostgreSQL does not run as root"),
]


@pytest.fixture
def server(tmp_path_factory):
    """The URL of an empty database."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="vestige-postgres"))
    as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = lambda *words: subprocess.run([*as_user, *map(str, words)], check=True, cwd="/", stdout=subprocess.DEVNULL)
    data, options = folder / "data", f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    run(BINARIES[-1] / "initdb", "-D", data, "-A", "trust", "-U", "vestige", "--no-sync")
    run(BINARIES[-1] / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start")
    try:
        run(BINARIES[-1] / "createdb", "-h", "127.0.0.1", "-p", port, "-U", "vestige", "studies")
        yield f"postgresql+psycopg://vestige@127.0.0.1:{port}/studies"
    finally:
        run(BINARIES[-1] / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


SCRIPT = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
import vestige.runs.execution
from tests.runs.test_tuning import TUNING, value_of
from vestige.runs.tuning.place import Place
from vestige.runs.tuning.study import open_study, upcoming
from vestige.runs.tuning.trial import carry_out
import dataclasses, time

def execute(entry, experiment, *, seed, folder, callbacks, **_):
    time.sleep(0.2)
    for each in callbacks:
        each.on_evaluation({{"kind": "evaluate", "step": 3, "kl_last": value_of(experiment)}}, None)
    return {{"metrics": {{"kl_last": value_of(experiment)}}, "seconds": 1.0, "updates": 12}}

vestige.runs.execution.execute = execute
folder = Path({folder!r})
folder.mkdir()
tuning = dataclasses.replace(TUNING, trials=12)
place = Place.of({url!r}, "shared", folder)
study = open_study(tuning, place)
for trial in upcoming(tuning, place, study, folder):
    carry_out(trial, {{}})
    print(trial.number)
"""


def test_two_processes_share_the_trials(server, tmp_path):
    from tests.runs.test_tuning import TUNING

    tuning, root = dataclasses.replace(TUNING, trials=12), str(Path(__file__).parents[2])
    open_study(tuning, Place.of(server, "shared", tmp_path))
    scripts = [SCRIPT.format(root=root, folder=str(tmp_path / name), url=server) for name in "ab"]
    parents = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for script in scripts
    ]
    numbers = [list(map(int, parent.communicate(timeout=240)[0].split())) for parent in parents]
    assert [parent.returncode for parent in parents] == [0, 0]
    assert all(numbers) and not set(numbers[0]) & set(numbers[1])
    trials = open_study(tuning, Place.of(server, "shared", tmp_path)).get_trials()
    assert len(trials) in (12, 13)  # both may take the last one at a time
    assert {trial.number for trial in trials} == set(numbers[0]) | set(numbers[1])
    assert all(trial.state.name == "COMPLETE" and trial.intermediate_values for trial in trials)
    assert trials[0].params == {"optimiser.rate": 1e-3, "batch_size": 4}
