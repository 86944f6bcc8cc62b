"""Every test that asks for `name` runs for every structure: a new one adds one line to CASES.

Arborescences from another root of one's choice run the same code with another number: slow.
"""

import pytest

from .cases import CASES


@pytest.fixture(
    params=[pytest.param(name, marks=[pytest.mark.slow] * (name == "arborescence, root 1")) for name in CASES]
)
def name(request):
    return request.param
