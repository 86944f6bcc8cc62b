"""What is written for TensorBoard, read back."""

import struct
import subprocess
import sys

import pytest
from tensorboardX.proto.event_pb2 import Event

from vestige.training.sinks import TensorBoard


def events(folder):
    """Those in the newest file."""
    content = max(folder.iterdir(), key=lambda path: path.name).read_bytes()
    found = []
    while content:
        (length,) = struct.unpack_from("<Q", content)
        found.append(Event.FromString(content[12 : 12 + length]))
        content = content[16 + length :]
    return found


def test_numbers_by_kind_and_step_before_it_is_closed(tmp_path):
    log = TensorBoard(tmp_path / "log", step=0)
    log.write({"kind": "train", "step": 3, "seconds": 1.0, "loss": 0.25, "absent": None})
    log.write({"kind": "evaluate", "step": 4, "seconds": 1.0, "accuracy": 0.5})
    version, *rest = events(tmp_path / "log")
    assert version.file_version == "brain.Event:2"
    found = [(event.step, value.tag, value.simple_value) for event in rest for value in event.summary.value]
    assert found == [(3, "train/loss", 0.25), (4, "evaluate/accuracy", 0.5)]
    log.close()


def test_a_resumed_run_purges_what_it_writes_again(tmp_path):
    TensorBoard(tmp_path, step=7).close()
    *_, start = events(tmp_path)
    assert (start.step, start.session_log.status) == (8, start.session_log.START)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_no_semaphore_is_left_by_one_that_is_killed(method, tmp_path):
    code = f"""
import multiprocessing, os, pathlib, signal
multiprocessing.set_start_method({method!r})
from vestige.training.sinks import TensorBoard
log = TensorBoard(pathlib.Path({str(tmp_path)!r}), step=0)
log.write({{"kind": "train", "step": 1, "seconds": 0.0, "loss": 1.0}})
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-9, "")
