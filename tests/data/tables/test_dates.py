"""Dates as people write them, against the standard library."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.data.tables.contract import Cells
from vestige.data.tables.dates import STYLES, dates, written

MOMENTS = st.datetimes(datetime.datetime(1969, 1, 1), datetime.datetime(2068, 12, 31))
FORMS = {
    "iso": "%Y-%m-%dT%H:%M:%S.%f",
    "year-first": "%Y/%m/%d %H:%M:%S.%f",
    "numeric": "%d/%m/%Y %H:%M:%S.%f",
    "named": "%d-%b-%y %I:%M:%S.%f %p",
    "compact": "%Y%m%dT%H:%M:%S.%f",
}


def cells(*texts):
    values = np.array(texts, object)
    return Cells(values, values == "")


def seconds_of(moment):
    return (moment - datetime.datetime(1970, 1, 1)) / datetime.timedelta(seconds=1)


@given(MOMENTS, st.sampled_from(sorted(FORMS)))
def test_every_format_is_the_same_moment(moment, style):
    found = dates(cells(moment.strftime(FORMS[style])), "day-first")
    assert STYLES[found.styles[0]] == style
    assert found.seconds[0] == pytest.approx(seconds_of(moment), abs=1e-6)


@given(st.lists(MOMENTS, min_size=1, max_size=5))
def test_iso_texts_of_one_length_are_read_at_once_to_the_microsecond(moments):
    found = dates(cells(*(moment.isoformat(timespec="microseconds") for moment in moments)))
    np.testing.assert_allclose(found.seconds, [seconds_of(moment) for moment in moments], rtol=0, atol=1e-6)
    back = [datetime.datetime.fromisoformat(text) for text in written(found.seconds)]
    assert back == moments


@given(MOMENTS, st.integers(-14 * 60, 14 * 60))
def test_zones_are_told_from_none(moment, minutes):
    zone = datetime.timezone(datetime.timedelta(minutes=minutes))
    text = moment.replace(tzinfo=zone).isoformat()
    found = dates(cells(text))
    assert STYLES[found.styles[0]] == "iso-zone"
    assert found.seconds[0] == pytest.approx(moment.replace(tzinfo=zone).timestamp(), abs=1e-6)


def test_day_and_month_are_told_apart_where_they_can_be():
    found = dates(cells("13/02/2020", "02/13/2020", "03/02/2020", ""))
    assert found.forced.tolist() == [1, 2, 0, 0]
    assert written(found.seconds) == ["2020-02-13T00:00:00", "2020-02-13T00:00:00", "2020-02-03T00:00:00", ""]
    month = dates(cells("03/02/2020", "13/02/2020"), "month-first")
    assert written(month.seconds) == ["2020-03-02T00:00:00", ""]


@pytest.mark.parametrize(
    "text",
    ["2020-13-01", "2020-02-30", "30/30/2020", "1 Foo 2020", "2020-01-01 25:00", "12:00", "today", "1/2-2020", "13 pm"],
)
def test_what_is_no_date(text):
    assert dates(cells("2020-01-01", text)).styles.tolist() == [0, -1]
