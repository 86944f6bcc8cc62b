"""Small files of steps in every form that can be read, and the same steps in memory."""

import jax.numpy as jnp
import numpy as np
import pytest

from vestige.sequences import ArrayRecordReader, ArraySequence, NpyReader, ParquetReader, ZarrReader

LENGTH = 43
WHY = "needs the extra 'streams'"


def steps(length=LENGTH):
    """Inputs (time, 3) and outcomes 0..4."""
    inputs = np.random.default_rng(0).normal(size=(length, 3)).astype(np.float32)
    return inputs, np.random.default_rng(1).integers(0, 5, length).astype(np.int32)


def npy(folder, inputs, outcomes, **more):
    np.save(folder / "x.npy", inputs)
    np.save(folder / "y.npy", outcomes)
    return NpyReader(folder / "x.npy", folder / "y.npy", **more)


def parquet(folder, inputs, outcomes, *, group=8, **more):
    pyarrow = pytest.importorskip("pyarrow", reason=WHY)
    from pyarrow import parquet as pq

    columns = {f"x{i}": inputs[:, i] for i in range(inputs.shape[1])}
    table = pyarrow.table({**columns, "unused": np.arange(len(inputs)), "y": outcomes})
    pq.write_table(table, folder / "steps.parquet", row_group_size=group)
    return ParquetReader(folder / "steps.parquet", inputs=list(columns), outcomes="y", **more)


def zarr(folder, inputs, outcomes, *, chunk=8, **more):
    module = pytest.importorskip("zarr", reason=WHY)
    group = module.open_group(folder / "steps.zarr", mode="w")
    group.create_array("inputs", data=inputs, chunks=(chunk, inputs.shape[1]))
    group.create_array("outcomes", data=outcomes, chunks=(chunk - 3,))
    return ZarrReader(folder / "steps.zarr", **more)


def array_record(folder, inputs, outcomes, *, each=4, **more):
    module = pytest.importorskip("array_record.python.array_record_module", reason=WHY)
    step = np.dtype([("inputs", inputs.dtype, inputs.shape[1:]), ("outcomes", outcomes.dtype)])
    both = np.empty(len(inputs), step)
    both["inputs"], both["outcomes"] = inputs, outcomes
    writer = module.ArrayRecordWriter(str(folder / "steps.array_record"), "group_size:1")
    for begin in range(0, len(both), each):
        writer.write(both[begin : begin + each].tobytes())
    writer.close()
    kinds = {"inputs": (inputs.dtype, inputs.shape[1:]), "outcomes": (outcomes.dtype, ())}
    return ArrayRecordReader(folder / "steps.array_record", **kinds, **more)


FORMS = {"npy": npy, "parquet": parquet, "zarr": zarr, "array_record": array_record}


def in_memory(inputs, outcomes):
    return ArraySequence(jnp.asarray(inputs), jnp.asarray(outcomes), jnp.array(len(inputs), jnp.int32))
