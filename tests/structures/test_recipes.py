"""The recipes run as they stand."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "latents.md"


@pytest.mark.slow
def test_the_blocks_run_one_after_the_other():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) > 4
    names: dict = {}
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):  # as a user has it
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)
    assert jnp.all(jnp.isfinite(names["gradient"])) and names["never"] > 0
    assert names["best_three"] < names["among_each_other"] < 0
