"""What the command line sets up before JAX does any work."""

import logging
import os
from pathlib import Path
from typing import Any

from vestige.cli.program_cache import distrusted, largest, trim
from vestige.cli.streams import say
from vestige.errors import UsageError


def cache_folder() -> Path:
    """Where compiled programs are kept: `$JAX_COMPILATION_CACHE_DIR`, else the user's cache."""
    named = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(named) if named else root / "vestige" / "compiled"


def set_up_compilation() -> None:
    """How this process compiles: see `enable_compilation_cache` and `write_out_threefry`.

    **Raises:** `UsageError` where a variable of the environment does not hold what it should.
    """
    from vestige.numerics.threefry import write_out_threefry

    enable_compilation_cache()
    write_out_threefry()


def enable_compilation_cache() -> None:
    """Keep compiled programs between processes; `VESTIGE_COMPILATION_CACHE=off` does not.

    A folder that cannot be written is passed over in silence: the cache is a convenience. One that others may write is
    not used, and this is said. One that has grown beyond `VESTIGE_COMPILATION_CACHE_BYTES` loses its oldest programs.

    **Raises:** `UsageError` where that variable holds no number.
    """
    import jax

    if os.environ.get("VESTIGE_COMPILATION_CACHE") == "off":
        return
    folder, limit = cache_folder(), largest()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        reason = distrusted(folder)
    except (OSError, ValueError):
        jax.config.update("jax_compilation_cache_dir", None)  # JAX reads the variable by itself
        return
    if reason:
        say(f"note: {folder} {reason}, so no compiled programs are taken from it or kept in it")
        os.environ["VESTIGE_COMPILATION_CACHE"] = "off"  # here and in processes that this one starts
        os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
        jax.config.update("jax_compilation_cache_dir", None)  # JAX reads the variable by itself
        return
    if os.access(folder, os.W_OK):
        trim(folder, limit)
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
        jax.config.update("jax_raise_persistent_cache_errors", False)
        logging.getLogger("vestige").debug("compiled programs are kept in %s", folder)


def data_mesh(devices: int | None) -> Any:
    """A one-axis mesh over the first `devices`; None for one device, unless requested.

    **Raises:** `UsageError` where there are fewer.
    """
    import jax
    import numpy as np

    if devices is None:
        return None
    if devices > jax.device_count():
        raise UsageError(
            f"--devices {devices}: JAX sees {jax.device_count()}. On a CPU, "
            f"XLA_FLAGS=--xla_force_host_platform_device_count={devices} simulates more."
        )
    return jax.sharding.Mesh(np.array(jax.devices()[:devices]), ("data",))
