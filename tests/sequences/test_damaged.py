"""Files of streams that are damaged where only their library looks."""

import json

import numpy as np
import pytest

from vestige.errors import RunError, UsageError
from vestige.sequences import ParquetReader, ZarrReader
from vestige.sequences.readers.contract import Steps
from vestige.sequences.readers.opening import decoded, decoding


def group(folder, change=lambda text: text):
    zarr = pytest.importorskip("zarr")
    made = zarr.open_group(folder, mode="w")
    for name in ("inputs", "outcomes"):
        made.create_array(name, data=np.arange(30) % 3, chunks=(10,))
    path = folder / "inputs" / "zarr.json"
    path.write_text(change(path.read_text()))
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("{", '{"shape": [5], ', 1), "the name 'shape' stands twice"),
        (lambda text: json.dumps({**json.loads(text), "fill_value": float("nan")}), "NaN is no number of JSON"),
        (lambda text: text[:50], "it cannot be read as JSON"),
        (lambda text: "x" * 2**21, "it has 2,097,152 bytes, and at most 1,048,576"),
    ],
)
def test_metadata_of_zarr_goes_through_the_gate(change, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        ZarrReader(group(tmp_path / "a.zarr", change))


def test_a_chunk_that_cannot_be_decoded_is_named(tmp_path):
    reader = ZarrReader(group(tmp_path / "a.zarr"))
    for chunk in (tmp_path / "a.zarr" / "inputs" / "c").iterdir():
        chunk.write_bytes(b"damaged")
    with pytest.raises(RunError, match=r"a\.zarr: chunk 0 cannot be decoded, so the file is damaged"):
        reader.read(0, 5)


def test_a_row_group_that_cannot_be_decoded_is_named(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    path = tmp_path / "a.parquet"
    table = pyarrow.table({"x": np.arange(3000), "y": np.arange(3000) % 3})
    parquet.write_table(table, path, use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[4:400] = bytes(396)
    path.write_bytes(data)
    with pytest.raises(RunError, match=r"a\.parquet: row group 0 cannot be decoded"):
        ParquetReader(path, inputs="x", outcomes="y").read(0, 5)


def test_what_can_only_be_decoded_at_once_is_bounded():
    steps = Steps((), np.dtype(np.float64))
    decoded("chunk", "a", 2**27, steps, steps)
    with pytest.raises(UsageError, match="a: a chunk of 268,435,456 steps takes 4,294,967,296 bytes when decoded"):
        decoded("chunk", "a", 2**28, steps, steps)


def test_our_own_errors_pass():
    with pytest.raises(UsageError, match="^ours$"), decoding("chunk", "a"):
        raise UsageError("ours")
