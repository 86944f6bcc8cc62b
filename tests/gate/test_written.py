"""What is written is as open as the user's umask says, and no more; nothing that is left behind either."""

import os
import stat

import numpy as np
import pytest

from vestige.data.files import staged
from vestige.report.files import replace_text
from vestige.runs.evaluate import write_evaluation
from vestige.runs.folder import write_json


def by_staging(folder):
    with staged(folder / "file") as part:
        part.write_bytes(b"x")


WRITERS = {
    "staged": by_staging,
    "json": lambda folder: write_json(folder / "file", {"a": 1}),
    "page": lambda folder: replace_text(folder / "file", "x"),
    "arrays": lambda folder: write_evaluation(folder / "a.npz", {"a": np.ones(2)}),
}


@pytest.mark.parametrize(("umask", "wanted"), [(0o077, 0o600), (0o022, 0o644), (0o002, 0o664)])
@pytest.mark.parametrize("name", WRITERS)
def test_files_have_the_mode_of_the_umask(name, umask, wanted, tmp_path):
    before = os.umask(umask)
    try:
        WRITERS[name](tmp_path)
        WRITERS[name](tmp_path)  # over the older one
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()] == [wanted]
