"""A second process finds every program that the first has compiled."""

import json
import subprocess
import sys

import pytest

CODE = """
import collections, json, sys
import jax
import vestige.cli.environment, vestige.cli.run
from vestige.cli import main

found = collections.Counter()
jax.monitoring.register_event_listener(lambda event, **_: found.update([event.rpartition("/")[2]]))
enable = vestige.cli.environment.enable_compilation_cache

def all_of_them():  # also those that take less than is worth keeping
    enable()
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)

vestige.cli.run.set_up_compilation = all_of_them
try:
    main(sys.argv[1:])
finally:
    print(json.dumps(found), file=sys.stderr)
"""

SMALL = ("--steps", "4", "--num-evals", "1")
RUNS = {
    "toy-spanning-tree": ("--batch-size", "2"),
    "perfect-recall": ("--task.l", "2", "--task.k", "1", "--model.latent-size", "2", "--model.width", "4"),
    "sensor-fusion": ("--task.length", "20", "--batch-size", "4", "--eval-size", "4"),
    "bars-and-stripes": ("--batch-size", "4"),
}


def compiled(run, folder, cache):
    """How many programs were found, and how many were not."""
    arguments = ["run", run, *SMALL, *RUNS[run], "--out", str(folder)]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments],
        capture_output=True,
        text=True,
        env=environment(cache),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stderr.strip().splitlines()[-1])
    return found.get("cache_hits", 0), found.get("cache_misses", 0)


def environment(cache):
    import os

    return {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(cache), "VESTIGE_COMPILATION_CACHE": "on"}


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS)
def test_nothing_is_compiled_twice(run, tmp_path):
    first = compiled(run, tmp_path / "first", tmp_path / "cache")
    assert first[1] > 0
    hits, misses = compiled(run, tmp_path / "second", tmp_path / "cache")
    assert misses == 0
    assert hits >= first[1]
