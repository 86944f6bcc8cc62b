"""The one door: every source gives the same cells, and what is not read is refused with a way to convert it."""

import pickle
import sqlite3
import zipfile

import numpy as np
import pytest

from vestige import data
from vestige.data import open_table
from vestige.data.tables import SchemaOptions, infer, require_columns
from vestige.errors import UsageError

X = np.array([1.5, np.nan, 3.25, 1e7])
N = np.array([3, 1, 0, 2])
S = np.array(["a", "b", "a", "c"])


def as_table(**columns):
    import pyarrow as pa

    return pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})


def _csv(folder):
    (folder / "t.csv").write_text("x,n,s\n1.5,3,a\n,1,b\n3.25,0,a\n1e7,2,c\n")
    return folder / "t.csv"


def _npz(folder):
    np.savez(folder / "t.npz", x=X, n=N, s=S)
    return folder / "t.npz"


def _parquet(folder):
    import pyarrow.parquet

    pyarrow.parquet.write_table(as_table(x=X, n=N, s=S), folder / "t.parquet", row_group_size=3)
    return folder / "t.parquet"


def _partitioned(folder):
    import pyarrow.parquet

    for place, name in enumerate(["k=1", "k=2"]):
        (folder / "t" / name).mkdir(parents=True)
        rows = slice(2 * place, 2 * place + 2)
        pyarrow.parquet.write_table(as_table(x=X[rows], n=N[rows], s=S[rows]), folder / "t" / name / "part.parquet")
    return folder / "t"


def _arrow(folder):
    import pyarrow as pa

    table = as_table(x=X, n=N, s=S)
    with pa.OSFile(str(folder / "t.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)
    return folder / "t.arrow"


def _arrow_stream(folder):
    import pyarrow as pa

    table = as_table(x=X, n=N, s=S)
    with pa.OSFile(str(folder / "t.arrows"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)
    return folder / "t.arrows"


def _zarr(folder):
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(str(folder / "t.zarr"), mode="w")
    for name, values in (("x", X), ("n", N)):
        group.create_array(name, data=values, chunks=(3,))
    group["x"].attrs["units"] = "m"
    return folder / "t.zarr"


def _zarr_array(folder):
    zarr = pytest.importorskip("zarr")
    zarr.create_array(str(folder / "x.zarr"), data=X)
    return folder / "x.zarr"


def _npy_folder(folder):
    (folder / "t").mkdir()
    np.save(folder / "t" / "x.npy", X)
    np.save(folder / "t" / "n.npy", N)
    return folder / "t"


class Frame:
    """What pandas and polars frames offer."""

    def __arrow_c_stream__(self, requested_schema=None):
        return as_table(x=X, n=N, s=S).__arrow_c_stream__(requested_schema)


SOURCES = {
    "csv": _csv,
    "npz": _npz,
    "parquet": _parquet,
    "partitioned": _partitioned,
    "arrow": _arrow,
    "arrow-stream": _arrow_stream,
    "zarr": _zarr,
    "npy-folder": _npy_folder,
    "dictionary": lambda folder: {"x": X, "n": N.tolist(), "s": S},
    "pyarrow": lambda folder: as_table(x=X, n=N, s=S),
    "batch": lambda folder: as_table(x=X, n=N, s=S).to_batches()[0],
    "frame": lambda folder: Frame(),
}
NEED_ARROW = {"parquet", "partitioned", "arrow", "arrow-stream", "pyarrow", "batch", "frame"}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("size", [3, 100])
def test_every_source_gives_the_same_cells(kind, size, tmp_path):
    if kind in NEED_ARROW:
        pytest.importorskip("pyarrow")
    table = data.open(SOURCES[kind](tmp_path))
    numbers = {name: [] for name in ("x", "n")}
    texts = []
    for batch in table.batches(size=size):
        assert batch.rows <= size
        for name, found in numbers.items():
            values, missing = batch.cells[name]
            assert missing.dtype == bool
            found += [np.nan if gone else float(v) for v, gone in zip(values, missing, strict=True)]
        texts += batch.cells["s"].values.tolist() if "s" in table.names else []
    np.testing.assert_array_equal(numbers["x"], X)
    np.testing.assert_array_equal(numbers["n"], N)
    assert texts in ([], S.tolist())
    assert table.rows in (None, 4)
    assert not [b for b in table.batches(["n"]) if set(b.cells) != {"n"}]


def test_a_partition_becomes_a_column(tmp_path):
    pytest.importorskip("pyarrow")
    assert open_table(_partitioned(tmp_path)).read(["k"])["k"].values.tolist() == [1, 1, 2, 2]


def test_one_array_of_zarr_is_a_column(tmp_path):
    table = open_table(_zarr_array(tmp_path))
    assert table.names == ("x",)
    np.testing.assert_array_equal(table.read()["x"].values, X)


def test_units_of_the_source_are_kept(tmp_path):
    pa = pytest.importorskip("pyarrow")
    schema = pa.schema([pa.field("x", pa.float64(), metadata={"unit": "mV"})])
    assert open_table(pa.table({"x": [1.0]}, schema=schema)).field("x").unit == "mV"
    assert open_table(_zarr(tmp_path)).field("x").unit == "m"


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_of_two_axes_is_a_column_each(tmp_path, order):
    values = np.asarray(np.arange(12.0).reshape(6, 2), order=order)
    np.save(tmp_path / "a.npy", values)
    for source in (tmp_path / "a.npy", values):
        table = open_table(source)
        assert table.names == ("value.0", "value.1")
        parts = [batch.cells["value.1"].values for batch in table.batches(["value.1"], size=4)]
        np.testing.assert_array_equal(np.concatenate(parts), values[:, 1])


def test_an_npy_file_that_shrinks_is_noticed(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(100.0))
    table = open_table(tmp_path / "a.npy")
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-80])
    with pytest.raises(UsageError, match="became shorter while it was read"):
        list(table.batches(size=50))


def test_lengths_and_names_in_an_npz_file_describe_the_others(tmp_path):
    np.savez(tmp_path / "r.npz", observations=np.zeros((5, 2)), lengths=[2, 3], channel_names=["left", "right"])
    table = open_table(tmp_path / "r.npz")
    assert table.names == ("document", "left", "right")
    assert table.read(["document"])["document"].values.tolist() == [0, 0, 1, 1, 1]
    np.savez(tmp_path / "m.npz", a=np.zeros(5), b=np.zeros(3), c=np.zeros(5))
    with pytest.raises(UsageError, match=r"different lengths \(3 rows: b; 5 rows: a, c\).*--arrays a,c"):
        open_table(tmp_path / "m.npz")
    assert open_table(tmp_path / "m.npz", arrays="a,c").names == ("a", "c")


@pytest.mark.parametrize("form", ["npz", "zarr"])
def test_an_array_takes_the_name_that_is_said(tmp_path, form):
    """Of one file for training and test, such as that of the chorales."""
    arrays = {"train": np.arange(6.0).reshape(3, 2), "test": np.arange(8.0).reshape(4, 2), "pieces": np.array([1, 3])}
    if form == "npz":
        np.savez(path := tmp_path / "both.npz", **arrays)
    else:
        zarr = pytest.importorskip("zarr")
        group = zarr.open_group(str(path := tmp_path / "both.zarr"), mode="w")
        for name, array in arrays.items():
            group[name] = array
    found = open_table(path, arrays="train=test")
    assert found.names == ("train.0", "train.1") and found.rows == 4
    cells = {name: cell.values.tolist() for batch in found.batches() for name, cell in batch.cells.items()}
    assert cells == {"train.0": [0, 2, 4, 6], "train.1": [1, 3, 5, 7]}
    for said, message in (("a=", "must be A,B or NAME=A"), ("=b", "must be A,B"), ("a=test,a", "'a' stands twice")):
        with pytest.raises(UsageError, match=message):
            open_table(path, arrays=said)
    with pytest.raises(UsageError, match="tset"):
        open_table(path, arrays="train=tset")
    trained = infer(open_table(path, arrays="train"), SchemaOptions())
    with pytest.raises(UsageError, match="If these are the same quantities, say so: --arrays train=test"):
        require_columns(open_table(path, arrays="test"), trained)
    require_columns(found, trained)


def test_chosen_lengths_make_documents(tmp_path):
    np.savez(tmp_path / "m.npz", rolls=np.zeros((4, 2)), pieces=[1, 3], other=np.zeros(9))
    table = open_table(tmp_path / "m.npz", arrays="rolls,lengths=pieces")
    assert table.names == ("document", "rolls.0", "rolls.1") and "2 documents" in table.notes[0]
    with pytest.raises(UsageError, match="different lengths"):
        open_table(tmp_path / "m.npz", arrays="rolls,pieces")


def test_array_records_hold_what_is_said(tmp_path):
    module = pytest.importorskip("array_record.python.array_record_module")
    kind = np.dtype([("speed", "f4"), ("place", "i4", (2,))])
    rows = np.zeros(10, kind)
    rows["speed"], rows["place"] = np.arange(10), np.arange(20).reshape(10, 2)
    writer = module.ArrayRecordWriter(str(tmp_path / "r.array_record"), "group_size:1")
    for begin in (0, 4, 8):
        writer.write(rows[begin : begin + 4].tobytes())
    writer.close()
    table = open_table(tmp_path / "r.array_record", record="speed=f4,place=(2,)i4")
    assert (table.names, table.rows) == (("speed", "place.0", "place.1"), 10)
    found = np.concatenate([batch.cells["place.1"].values for batch in table.batches(size=3)])
    np.testing.assert_array_equal(found, rows["place"][:, 1])
    for record, said in ((None, "say it: --record"), ("speed=f4,x=f8,y=i8", "no number of rows"), ("speed", "such as")):
        with pytest.raises(UsageError, match=said):
            open_table(tmp_path / "r.array_record", record=record)


def _xlsx(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        archive.writestr("xl/workbook.xml", "<x/>")


def _sqlite(path):
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (a)")
    connection.close()


def _objects(path):
    with open(path, "wb") as file:
        np.save(file, np.array([{}], object), allow_pickle=True)


REFUSED = {
    "pickle": (lambda path: path.write_bytes(pickle.dumps({"a": 1})), "a pickle, which could run any program"),
    "xlsx": (_xlsx, "an Excel file.*save the sheet as CSV"),
    "sqlite": (_sqlite, "an SQLite database"),
    "hdf5": (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100)), "an HDF5 file.*np.savez"),
    "json": (lambda path: path.write_text('{"a": 1}\n{"a": 2}\n'), "it is JSON.*read_json"),
    "utf-16": (lambda path: path.write_bytes("a,b\n1,2\n".encode("utf-16")), "UTF-16.*iconv"),
    "bzip2": (lambda path: path.write_bytes(b"BZh91AY" + bytes(9)), "bunzip2"),
    "bytes": (lambda path: path.write_bytes(bytes(range(256))), "a form that is not known"),
    "parquet": (lambda path: path.write_bytes(b"PAR1" + bytes(50) + b"PAR1"), "it is not sound"),
    "objects": (_objects, "Python objects"),
    "empty": (lambda path: path.write_bytes(b""), "it is empty"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_other_files_are_refused_with_a_way_to_convert_them(kind, tmp_path):
    write, said = REFUSED[kind]
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / "t.csv"
    write(path)
    with pytest.raises(UsageError, match=said) as caught:
        open_table(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("https://example.org/a.csv", "download the file first"),
        ("nowhere.csv", "there is no such file"),
        (7, "source must be a path"),
        ({"a": [1, 2], "b": [1]}, "different lengths"),
        ({"a": np.zeros((2, 2, 2, 1, 1))}, "must be \\(rows,\\), \\(rows, columns\\) or a film"),
        ({"a": np.zeros(2, complex)}, "must hold numbers, dates or texts"),
        ({}, "a table needs some"),
        ({"a": []}, "a table needs some"),
    ],
)
def test_other_sources_are_refused(source, said):
    with pytest.raises(UsageError, match=said):
        open_table(source)


def test_a_folder_without_a_table_is_refused(tmp_path):
    with pytest.raises(UsageError, match="it holds none. Name one"):
        open_table(tmp_path)


def test_files_of_one_folder_must_agree(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(as_table(x=X, n=N), tmp_path / "a.parquet")
    pq.write_table(as_table(x=X, n=S), tmp_path / "b.parquet")
    with pytest.raises(UsageError, match=r"other columns: n differ in .*b\.parquet and .*a\.parquet"):
        open_table(tmp_path)


def test_what_can_be_read_only_once_is_refused():
    pytest.importorskip("pyarrow")
    with pytest.raises(UsageError, match=r"only once.*read_all"):
        open_table(as_table(x=X).to_reader())


def test_without_pyarrow_a_parquet_file_says_how_to_install_it(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    path = _parquet(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.dataset", None)
    with pytest.raises(UsageError, match=r"pip install 'vestige\[streams\]'; or save the table as CSV"):
        open_table(path)
    assert open_table(_csv(tmp_path)).names == ("x", "n", "s")


def test_types_of_arrow(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import datetime
    import decimal

    day = datetime.datetime(2020, 1, 2, 3)
    table = open_table(
        pa.table(
            {
                "dictionary": pa.array(["a", None, "b"]).dictionary_encode(),
                "decimal": pa.array([decimal.Decimal("1.5"), None, decimal.Decimal("2")], pa.decimal128(5, 2)),
                "when": pa.array([day, None, day], pa.timestamp("ms", tz="Europe/Berlin")),
                "date": pa.array([day.date(), None, day.date()]),
                "span": pa.array([1500, None, 2], pa.duration("ms")),
                "bit": pa.array([True, None, False]),
                "half": pa.array(np.array([1, 2, 3], np.float16)),
                "lists": pa.array([[1], [2], [3]]),
            }
        )
    )
    assert "lists" not in table.names and "lists" in table.notes[0]
    cells = table.read()
    for name in set(table.names) - {"half"}:
        assert cells[name].missing.tolist() == [False, True, False], name
    assert cells["dictionary"].values.tolist() == ["a", "", "b"]
    assert cells["decimal"].values[2] == 2.0 and cells["span"].values[0] == 1.5
    assert str(cells["when"].values[0]) == "2020-01-02T03:00:00.000000"
    assert str(cells["date"].values[0])[:10] == "2020-01-02"
    assert cells["half"].values.dtype == np.float32
