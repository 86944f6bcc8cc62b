"""Every test runs with strict promotion and without the user's settings; with VESTIGE_CHECK_TYPES=1, as `.ci/run` runs
the tests of the contracts, also with shapes and types checked at each call."""

import contextlib
import ctypes
import gc
import os
import signal
import zlib
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # XLA 0.10.1 logs two errors a kept program that are none
FLAGS = ["--xla_force_host_platform_device_count=4"]
if version("jaxlib").startswith("0.10."):  # compiles three times faster; another version may refuse flags it has not
    FLAGS += ["--xla_cpu_use_fusion_emitters=false", "--xla_cpu_parallel_codegen_split_count=1"]
os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), *FLAGS])

os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # compiles nearly three times faster, here and in processes begun

for number, answer in ((signal.SIGHUP, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
    if signal.getsignal(number) == signal.SIG_IGN:  # by nohup, or by a shell for what runs in the background
        signal.signal(number, answer)

if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and hasattr(os, "sched_setaffinity"):
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) >= int(os.environ["PYTEST_XDIST_WORKER_COUNT"]):  # a core each: they do not wait for one another
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw"))]})

if os.environ.get("VESTIGE_CHECK_TYPES") == "1":  # an eighth of the time of a test
    from jaxtyping import install_import_hook

    install_import_hook("vestige", "beartype.beartype")

import hypothesis  # noqa: E402 - after flags and hook
import jax  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402

hypothesis.settings.register_profile("the same in every run", derandomize=True)
hypothesis.settings.load_profile("the same in every run")

if version("jaxlib").startswith("0.10."):  # a context of its own is a fifth of what a small program costs to compile
    from jax._src.interpreters import mlir

    CONTEXTS = {"make": mlir.make_ir_context, "kept": None, "programs": 0}

    def kept_context():
        """The same for a hundred programs: it never forgets a constant."""
        if CONTEXTS["programs"] % 100 == 0:
            CONTEXTS["kept"] = CONTEXTS["make"]()
        CONTEXTS["programs"] += 1
        return CONTEXTS["kept"]

    mlir.make_ir_context = kept_context

with contextlib.suppress(AttributeError, OSError, TypeError):  # another allocator than that of glibc
    trim, more_at_once, mapped = -1, -2, -3  # memory is kept: a twentieth of the time goes into giving it back
    for parameter, size in ((trim, 2**30), (more_at_once, 2**26), (mapped, 2**25)):
        ctypes.CDLL(None).mallopt(parameter, size)

gc.freeze()  # what has been imported stays, and need not be looked through again and again
gc.set_threshold(50_000, 20, 20)  # programs are many objects, little of them garbage

MANY_MAPS = 15_000
SLOW_CASES = 1  # of one test, in .ci/run
USES_OPTAX = {
    "training",
    "online",
    "experiments",
    "runs",
    "learners",
    "cli",
}  # whose schedules promote dtypes and ranks
CAREFUL = {"test_learning.py"}  # compiled with all optimisations


@pytest.fixture(autouse=True)
def _strict(request):
    """Mixed dtypes and unequal ranks are errors in our own mathematics."""
    if USES_OPTAX & set(request.path.parts):
        yield
        return
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture(autouse=True)
def _generators_begin_anew(request, _generators):
    """What a test draws from a generator of its module does not depend on which tests ran before it."""
    for generator, state in _generators:
        generator.bit_generator.state = state


@pytest.fixture(scope="module")
def _generators(request):
    found = [value for value in vars(request.module).values() if isinstance(value, np.random.Generator)]
    return [(generator, generator.bit_generator.state) for generator in found]


@pytest.fixture(scope="module", autouse=True)
def _forget_compiled_programs():
    """Each holds memory maps, of which a process may have 65,530: past that, the compiler crashes. They are kept from
    module to module as long as there are few."""
    yield
    try:
        maps = Path("/proc/self/maps").read_bytes().count(b"\n")
    except OSError:
        maps = MANY_MAPS
    if maps >= MANY_MAPS:
        jax.clear_caches()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of a test marked `few(count)` only the first cases are fast; of the slow cases of one test all but `SLOW_CASES`
    are exhaustive too. Which these are, a digest of their names says: different ones in different tests, so that every
    part is met by many tests, and the same in every run."""
    fast, slow = Counter(), defaultdict(list)
    for item in items:
        test, mark = item.nodeid.partition("[")[0], item.get_closest_marker("few")
        if mark is not None and item.get_closest_marker("slow") is None:
            fast[test] += 1
            if fast[test] > mark.args[0]:
                item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("slow") is not None:
            slow[test].append(item)
    for cases in slow.values():
        for item in sorted(cases, key=lambda item: zlib.crc32(item.nodeid.encode()))[SLOW_CASES:]:
            item.add_marker(pytest.mark.exhaustive)


def pytest_configure(config):
    """Workers, tests and the processes they start share the programs that take long to compile: to keep all of them
    takes a seventh of the time."""
    if not hasattr(config, "cache"):  # -p no:cacheprovider
        return
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(config.cache.mkdir("compiled"))
    jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


@pytest.fixture(scope="module", autouse=True)
def _compile_with_care(request):
    """Where running takes longer than compiling."""
    if request.path.name not in CAREFUL:
        yield
        return
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", True)


@pytest.fixture
def key(request) -> jax.Array:
    """A key of the test's own: the same in every run, different from test to test."""
    seed = sum(ord(letter) * (place + 1) for place, letter in enumerate(request.node.name)) % 2**31
    return jax.random.key(seed)
