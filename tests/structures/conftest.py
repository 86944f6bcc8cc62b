"""Every test that asks for `name` runs for every structure: a new one adds one line to CASES.

Arborescences with other roots run the same code with another number: slow.
"""

import pytest

from .cases import CASES

SLOW = {"arborescence, root 1", "arborescence, one arc from the root", "labelled subset"}


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in CASES])
def name(request):
    return request.param
