"""Parquet files that are written a few rows at a time."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from vestige.data.tables import Cells
from vestige.data.tables.writing import ROW_GROUP, table_writer


def test_few_rows_at_a_time_become_few_groups(tmp_path):
    path, piece = tmp_path / "long.parquet", 1000
    count = ROW_GROUP // piece + 20
    with table_writer(path) as writer:
        for number in range(count):
            rows = np.arange(number * piece, (number + 1) * piece)
            writer.write({"a": Cells(rows, rows % 7 == 0)})
    file = pq.ParquetFile(path)
    assert (file.metadata.num_rows, file.metadata.num_row_groups) == (count * piece, 2)
    found = file.read()["a"].to_pylist()
    assert found == [None if row % 7 == 0 else row for row in range(count * piece)]


def test_what_was_there_stays_where_the_block_raises(tmp_path):
    path = tmp_path / "x.parquet"
    cells = Cells(np.arange(3), np.zeros(3, bool))
    with table_writer(path) as writer:
        writer.write({"a": cells})

    def broken():
        with table_writer(path) as writer:
            writer.write({"a": Cells(np.arange(9), np.zeros(9, bool))})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert pq.read_table(path)["a"].to_pylist() == [0, 1, 2]
