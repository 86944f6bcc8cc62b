"""Times beyond the end of a column."""

import numpy as np
import pytest

from vestige.data.tables import Cells
from vestige.data.tables.continuing import continued


def cells(values, dtype=object):
    values = np.array(values, dtype)
    return Cells(values, np.zeros(len(values), bool))


@pytest.mark.parametrize(
    ("values", "dtype", "wanted", "season"),
    [
        (["2016-07-01 22:00:00", "2016-07-01 23:00:00"], object, ["2016-07-02 00:00:00", "2016-07-02 01:00:00"], 24),
        (["2020-02-27", "2020-02-28"], object, ["2020-02-29", "2020-03-01"], 7),
        (["2020-01-31", "2020-02-29", "2020-03-31"], object, ["2020-04-30", "2020-05-31"], 12),
        (["2020-06-01", "2020-09-01", "2020-12-01"], object, ["2021-03-01", "2021-06-01"], 4),
        (["20200129", "20200130", "20200131"], object, ["2020-02-01T00:00:00", "2020-02-02T00:00:00"], 7),
        (["2020-01-01T00:00Z", "2020-01-01T00:15Z"], object, ["2020-01-01T00:30:00Z", "2020-01-01T00:45:00Z"], 96),
        (["12.03.2024", "13.03.2024"], object, ["2024-03-14T00:00:00", "2024-03-15T00:00:00"], 7),
        (["03/12/2024", "03/13/2024"], object, ["2024-03-14T00:00:00", "2024-03-15T00:00:00"], 7),
        (["1", "3"], object, [5, 7], None),
        ([0.0, 0.1, 0.2], float, [0.3, 0.4], None),
        ([10, 20], int, [30, 40], None),
        (["2020-01-01", "2020-01-08"], "M8[us]", ["2020-01-15", "2020-01-22"], 52),
    ],
)
def test_times_go_on(values, dtype, wanted, season):
    found = continued(cells(values, dtype), 2)
    assert found.season == season and found.reason == ""
    if dtype in (float, "M8[us]"):
        wanted = np.array(wanted, dtype)
        assert np.abs(found.cells.values - wanted).max() < (1e-12 if dtype is float else np.timedelta64(1, "us"))
    else:
        assert found.cells.values.tolist() == wanted


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["2020-01-01"], "one time says nothing"),
        (["2020-01-01", "2020-01-02", "2020-01-04"], "not of equal length"),
        (["01/02/2020", "02/02/2020"], "day first or month first"),
        (["13/02/2020", "02/14/2020"], "day first or month first"),
        (["2020-01-01", "2020/01/02"], "several formats"),
        (["2020-01-01", "soon"], "neither numbers nor dates"),
        (["1", "1"], "not of equal length"),
    ],
)
def test_times_that_do_not_say(values, reason):
    found = continued(cells(values), 2)
    assert found.cells is None and found.season is None and reason in found.reason
    gap = cells(values)
    assert continued(Cells(gap.values, ~gap.missing), 2).cells is None
