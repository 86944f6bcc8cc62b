"""Every test that asks for `name` runs for every structure: a new one adds one line to CASES."""

import pytest

from .cases import CASES


@pytest.fixture(params=CASES)
def name(request):
    return request.param
