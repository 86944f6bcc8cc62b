"""Files that others have made: in installed packages, and those of the data sets."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from vestige.data import Encoder, SchemaOptions, hold_out, infer, open_table
from vestige.errors import UsageError


def installed(package, name):
    """A file inside an installed package; the test is skipped where it is not there."""
    spec = importlib.util.find_spec(package)
    path = Path(spec.submodule_search_locations[0], name) if spec and spec.submodule_search_locations else None
    if path is None or not path.exists():
        pytest.skip(f"{package} has no file {name} here")
    return path


def there_and_back(table, schema):
    """Whether all numbers come back to a millionth of their spread."""
    encoder = Encoder.fit(table, schema)
    batches = list(encoder.encode(table))
    values, mask = (np.concatenate([getattr(batch, name) for batch in batches]) for name in ("values", "mask"))
    found = encoder.decode(values, mask)
    return values, found


@pytest.mark.parametrize(
    ("package", "name", "rows", "columns"),
    [
        ("sklearn", "datasets/data/iris.csv", 150, 5),
        ("sklearn", "datasets/data/digits.csv.gz", 1797, 65),
        ("sklearn", "datasets/data/diabetes_data_raw.csv.gz", 442, 10),
        ("sklearn", "datasets/data/diabetes_target.csv.gz", 442, 1),
        ("sklearn", "datasets/data/linnerud_exercise.csv", 20, 3),
        ("matplotlib", "mpl-data/sample_data/data_x_x2_x3.csv", 11, 3),
        ("matplotlib", "mpl-data/sample_data/Stocks.csv", 524, 11),
        ("matplotlib", "mpl-data/sample_data/msft.csv", 65, 7),
        ("numpy", "random/tests/data/pcg64-testset-1.csv", 1000, 2),
    ],
)
def test_installed_text_files(package, name, rows, columns):
    table = open_table(installed(package, name))
    schema = infer(table)
    assert (schema.rows, len(table.fields)) == (rows, columns)
    there_and_back(table, schema)


def test_numbers_of_a_text_file_are_those_of_numpy():
    path = installed("sklearn", "datasets/data/digits.csv.gz")
    table = open_table(path)
    expected = np.loadtxt(path, delimiter=",")
    _, found = there_and_back(table, schema := infer(table))
    for column in schema.modelled:
        np.testing.assert_array_equal(found[column.name], expected[:, table.names.index(column.name)])
    never = [c.name for c in schema.columns if c.role == "ignored"]
    assert never == [n for n, v in zip(table.names, expected.T, strict=True) if np.ptp(v) == 0]


def test_a_first_line_of_another_width_is_passed_over():
    """178,13,class_0,class_1,class_2, and then rows of 14 numbers."""
    table = open_table(installed("sklearn", "datasets/data/wine_data.csv"))
    schema = infer(table)
    assert (schema.rows, len(table.fields)) == (178, 14) and table.place(0) == "row 1 (line 2)"
    assert table.notes[-1] == "Line 1 has 5 cells, the rows below have 14: it is passed over."


def test_prices_have_names_dates_and_an_order():
    schema = infer(open_table(installed("matplotlib", "mpl-data/sample_data/msft.csv")))
    assert schema.time is not None and schema.time.time_format == "named"
    assert schema.column("Adj. Close*").kind == "number"
    assert any("run backward" in said for said in schema.suspicions)


def test_a_frame_of_parquet_keeps_its_types():
    pytest.importorskip("pyarrow")
    schema = infer(open_table(installed("pyarrow", "tests/data/parquet/v0.7.1.parquet")))
    kinds = {column.name: column.kind for column in schema.columns}
    assert kinds["cut"] == "class" and kinds["carat"] == "number"


def test_hourly_load_of_a_transformer(data_folder):
    table = open_table(data_folder / "ett" / "ETTh1.csv.gz")
    schema = infer(table, SchemaOptions(outcomes=("OT",)))
    assert schema.rows == 17_420 and not schema.suspicions
    assert schema.steps is not None and (schema.steps.typical, schema.steps.irregular) == (3600.0, False)
    parts = hold_out(table, schema, 0.2)
    encoder = Encoder.fit(table, schema, parts.train)
    stop = parts.train[0][1]
    values = np.concatenate([batch.values for batch in encoder.encode(table)])[:stop].astype(np.float64)
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-4)
    assert schema.modelled[-1].role == "outcome"


def test_exchange_rates_have_no_header(data_folder):
    schema = infer(open_table(data_folder / "exchange_rate" / "exchange_rate.txt.gz"))
    assert (schema.rows, len(schema.modelled), schema.suspicions) == (7588, 8, ())


def test_spikes_of_a_recording(data_folder):
    path = data_folder / "hippocampus" / "linear_track.npz"
    with pytest.raises(UsageError, match="28,829 rows: spike_time, spike_unit"):
        open_table(path)
    table = open_table(path, arrays="spike_time,spike_unit", bin_width=0.1)
    cells = table.read()
    assert sum(int(cells[name].values.sum()) for name in table.names[1:]) == 28_829
    assert len(table.names) == 32


def test_sequences_of_motion_have_names_of_channels(data_folder):
    table = open_table(data_folder / "mocap" / "cmu_mocap6_exercises.npz", arrays="x,labels")
    assert table.rows == 2058 and len(table.names) == 13 and "x.0" not in table.names
    schema = infer(table, SchemaOptions(kinds={"labels": "class"}, outcomes=("labels",)))
    assert schema.column("labels").vocabulary == tuple(str(i) for i in range(1, 13))
    there_and_back(table, schema)


def test_lines_of_json_are_refused(data_folder):
    with pytest.raises(UsageError, match="it is JSON, which is not read"):
        open_table(data_folder / "movie_rationales" / "movies_test.jsonl.gz")
