"""Every Python block of README and docs runs, those of a page one after the other, or says why it does not."""

import os
import subprocess
import sys

import pytest
from tests.site.blocks import LANGUAGES, ROOT, blocks, pages, slow

SNIPPET = "--8<-- "


def python_blocks(page):
    return [block for block in blocks(page) if block.language == "python" and not block.included]


def program(page):
    """The blocks of a page as one program, whose lines are those of the page."""
    parts = []
    for block in python_blocks(page):
        if block.not_run is not None:
            assert block.not_run, f"{block.place}: say why it is not run"
            continue
        parts.append(f"exec(compile({block.before!r}, {f'{block.place}, before'!r}, 'exec'))")
        code = "\n" * (block.line - 1) + block.text
        parts.append(f"exec(compile({code!r}, {block.page.relative_to(ROOT).as_posix()!r}, 'exec'))")
    return "\n".join(parts)


def is_made(page):
    """Tutorials are made by running them; .ci/run does it again."""
    return page.parent.name == "tutorials" and page.with_suffix(".py").exists()


ELSEWHERE = {"latents.md"}  # tests/structures/test_recipes.py runs its blocks
PAGES = [
    pytest.param(page, id=page.relative_to(ROOT).as_posix(), marks=[pytest.mark.slow] if slow(page) else [])
    for page in pages()
    if not is_made(page) and page.name not in ELSEWHERE and any(block.not_run is None for block in python_blocks(page))
]


@pytest.mark.parametrize("page", PAGES)
def test_blocks_run(page, tmp_path):
    flags = {"XLA_FLAGS": "", "JAX_DISABLE_MOST_OPTIMIZATIONS": "0", "MPLBACKEND": "Agg"}
    environment = {**os.environ, **flags, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", program(page)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_languages_and_included_files(page):
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{block.place}: {block.language}"
        assert "--8 <" not in block.text, f"{block.place}: a formatter took an included file for Python"
        if SNIPPET in block.text:
            name = block.text.split(SNIPPET)[1].split('"')[1].split(":")[0]
            assert (ROOT / name).exists(), f"{block.place}: there is no {name}"


def test_a_block_that_fails_is_found(monkeypatch, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n<!-- before: x = 1 -->\n```python\nassert x == 2\n```\n")
    for names in (program.__globals__, blocks.__globals__):
        monkeypatch.setitem(names, "ROOT", tmp_path)
    done = subprocess.run([sys.executable, "-c", program(page)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'File "page.md", line 5' in done.stderr


def test_remarks_before_a_block(tmp_path):
    text = "text\n<!-- before: x = 1 -->\n<!-- not run: takes an hour -->\n```python\nx\n```\n\n```sh\nls\n```\n"
    made = tmp_path / "page.md"
    made.write_text(text)
    first, second = blocks(made)
    assert (first.not_run, first.before, first.line, first.text) == ("takes an hour", "x = 1", 5, "x\n")
    assert (second.not_run, second.before, second.language) == (None, "", "sh")
