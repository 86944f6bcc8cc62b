import os
import subprocess
import sys

import pytest

from vestige.cli.relay import pass_on

BLOCK = b"""F1201 01:55:05.150414   10869 client.h:80] Terminating process because the JAX distributed service \
detected fatal errors. This most likely indicates that another task died. UNAVAILABLE: The following tasks are \
unhealthy (stopped sending heartbeats):
1
The tasks have crashed.

RPC: /xla.coordination.CoordinationService/PollForError
*** Check failure stack trace: ***
    @     0x7fca06372104  absl::lts_20260107::log_internal::LogMessage::SendToLog()
"""


def passed(*chunks):
    """What comes out of the relay."""
    (source, given), (received, target) = os.pipe(), os.pipe()
    for chunk in chunks:
        os.write(given, chunk)
    os.close(given)
    pass_on(source, target, 0, 2)
    os.close(target)
    with open(received, "rb") as file:
        found = file.read()
    os.close(source)
    return found


def test_lines_pass_as_they_are():
    for text in (
        b"vestige: a word\n",
        b"no end",
        b"",
        b"E1201 another line of XLA\nand more\n",
        b"Find\nF12 is a key\n",
    ):
        assert passed(text) == text


@pytest.mark.parametrize("before", [b"", b"vestige: first\n", b"E1201 00:00:00 other\n"])
def test_the_block_of_a_lost_process_becomes_one_line(before):
    found = passed(before + BLOCK)
    assert found.startswith(before)
    said = found[len(before) :].decode()
    assert said.startswith("vestige: process 1 of 2 is gone, and this one, 0, ends with it.")
    assert len(said.splitlines()) == 1


def test_of_a_lost_leader():
    block = BLOCK.replace(b"The following tasks are unhealthy (stopped sending heartbeats):\n1\n", b"Socket closed\n")
    assert b"process 0 of 2 is gone" in passed(block)


def test_what_the_process_says_itself_comes_before_the_words_of_jax():
    assert passed(BLOCK + b"vestige: process 1 of 2 ended: no data\n") == b"vestige: process 1 of 2 ended: no data\n"


def test_of_others_that_never_came():
    block = BLOCK.replace(b"PollForError", b"RegisterTask")
    assert passed(block).startswith(b"vestige: process 0 of 2 waited in vain for the others. Start all of them")


def test_another_fatal_error_is_shown_whole():
    block = b"F1201 00:00:00 cpu.cc:1] Check failed: x\n*** Check failure stack trace: ***\n  @ 0x7\n"
    assert passed(block) == block


def test_an_abort_within_the_block_is_exit_code_1_and_what_was_printed_comes_out():
    program = (
        "import os, sys\nfrom vestige.cli.relay import relayed\n"
        "with relayed(0, 2):\n    print('seen', file=sys.stderr)\n"
        "    sys.stderr.flush()\n    os.write(2, {block!r})\n    os.abort()\n"
    )
    found = subprocess.run([sys.executable, "-c", program.format(block=BLOCK)], capture_output=True, timeout=60)
    assert found.returncode == 1
    assert found.stderr.startswith(b"seen\nvestige: process 1 of 2 is gone")
    calm = "import sys\nfrom vestige.cli.relay import relayed\nwith relayed(0, 2):\n    print('in', file=sys.stderr)\n"
    found = subprocess.run([sys.executable, "-c", calm + "print('after', file=sys.stderr)"], capture_output=True)
    assert (found.returncode, found.stderr) == (0, b"in\nafter\n")
