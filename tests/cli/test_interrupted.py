"""Ctrl-C from the first import on, in processes of their own."""

import subprocess
import sys

import pytest

START = """
import importlib.abc, os, signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell ignores for what runs in the background

class Sender(importlib.abc.MetaPathFinder):  # the signal comes while a module is looked for
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.{name})
        return None

sys.meta_path.insert(0, Sender())
from vestige.cli import main
main(["run", "perfect-recall", "--task.l", "0"])
"""


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("vestige.errors", "SIGINT"),
        ("vestige.registries", "SIGINT"),
        ("vestige.cli.run", "SIGTERM"),
        ("tyro", "SIGINT"),
        ("numpy", "SIGHUP"),
    ],
)
def test_while_something_is_imported(module, name):
    done = subprocess.run(
        [sys.executable, "-c", START.format(module=module, name=name)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "vestige: interrupted\n")


def test_before_main_next_to_nothing_is_imported():
    """What comes before cannot be answered in words."""
    code = "import sys; before = set(sys.modules); import vestige.cli; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['vestige', 'vestige.cli']"


def test_inside_an_exec_too(tmp_path):
    """Python would end a module by the signal."""
    (tmp_path / "command.py").write_text("""
import vestige.cli
def dispatch(arguments):
    exec("import os, signal; os.kill(os.getpid(), signal.SIGINT)")
vestige.cli.dispatch = dispatch
vestige.cli.main([])
""")
    done = subprocess.run([sys.executable, "-m", "command"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "vestige: interrupted\n")


def test_what_an_interrupt_became_on_its_way_is_an_interrupt():
    """Initialising an extension may turn it into another error, and a callback may swallow it."""
    code = """
import os, signal, weakref
import vestige.cli
class Thing: pass
def dispatch(arguments):
    thing = Thing()
    swallowed = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGINT))
    del thing
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        raise SystemError("initialisation failed") from None
vestige.cli.dispatch = dispatch
vestige.cli.main([])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "vestige: interrupted\n")
