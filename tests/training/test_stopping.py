"""Signals are answered by processes of their own, whatever these are busy with."""

import os
import signal
import subprocess
import sys

import pytest

from vestige.training.interrupts import Interrupts
from vestige.training.stopping import INTERRUPTED, NAMES, Stoppable, stopping_signals

BUSY = """
import hashlib, sys
from vestige.training.interrupts import Interrupts
from vestige.training.stopping import Stoppable

def busy():  # one call of minutes that lets other threads run, as compiling is
    while True:
        try:
            print("ready", flush=True)
            hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
        except KeyboardInterrupt:  # the signal came just before the call
            pass

with Stoppable(lambda name: print("ended by", name, flush=True), grace=0.1) as stop:
    {body}
"""


def started(body):
    process = subprocess.Popen([sys.executable, "-c", BUSY.format(body=body)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(
    ("name", "body"), [*((name, "busy()") for name in NAMES), ("SIGTERM", "with Interrupts(): busy()")]
)
def test_a_process_that_compiles_is_ended(name, body):
    with started(body) as process:
        process.send_signal(signal.Signals[name])
        output, _ = process.communicate(timeout=100)
    assert (process.returncode, output.removeprefix("ready\n")) == (INTERRUPTED, f"ended by {name}\n")


def test_what_is_held_is_not_ended_before_it_is_let_go():
    """The grace begins when nothing is held any more."""
    body = """
    import threading, time
    def let_go():
        time.sleep(1)
        print("let go", flush=True)
        stop.hold(False)
    stop.hold(True)
    threading.Thread(target=let_go, daemon=True).start()
    busy()""".strip()
    with started(body) as process:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=100)
    assert process.returncode == INTERRUPTED
    assert output.removeprefix("ready\n") == "let go\nended by SIGTERM\n"


@pytest.mark.parametrize("name", NAMES)
def test_where_something_can_be_raised_it_is(name):
    before = {number: signal.getsignal(number) for number in stopping_signals()}
    ended = []
    with pytest.raises(KeyboardInterrupt), Stoppable(leave=ended.append) as stop:
        os.kill(os.getpid(), signal.Signals[name])
    assert stop.received == name and not ended
    assert {number: signal.getsignal(number) for number in stopping_signals()} == before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize("name", NAMES)
def test_a_loop_is_asked_and_what_it_leaves_unanswered_is_handed_on(name):
    with Interrupts() as alone:
        os.kill(os.getpid(), signal.Signals[name])
    assert alone.pending == name
    with pytest.raises(KeyboardInterrupt), Stoppable(leave=lambda code: None) as stop, Interrupts():
        os.kill(os.getpid(), signal.Signals[name])
    assert stop.received == name


def test_a_hangup_that_is_ignored_stays_so():
    """`nohup vestige run …` outlives the terminal; an ignored SIGINT, as a script's `&` makes, is answered."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert signal.SIGHUP not in stopping_signals()
        with Stoppable(leave=lambda code: None), Interrupts() as interrupts:
            os.kill(os.getpid(), signal.SIGHUP)
        assert interrupts.pending is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_answered_loop_lets_go():
    with Stoppable(leave=lambda code: None) as stop:
        with Interrupts() as interrupts:
            interrupts.hold(True)
            assert stop._held
        assert not stop._held


def test_where_a_call_of_jax_was_broken_off_nothing_is_waited_for():
    ended = []
    for name, broken in (("jax._src.compiler", True), ("jaxtyping", False), ("vestige.training", False)):
        with pytest.raises(KeyboardInterrupt), Stoppable(leave=ended.append) as stop:
            exec("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", {"__name__": name})
        stop.depart()
        assert stop.broken_off == broken
    assert ended == [INTERRUPTED]
