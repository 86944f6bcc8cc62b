"""Sequences that stay in their files: the same as in memory, and clear about files that are at fault."""

import os

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.sequences.conformance import conforms, same_where_inside
from tests.sequences.files import FORMS, LENGTH, in_memory, npy, parquet, steps, zarr
from vestige.errors import RunError, UsageError
from vestige.sequences import (
    AbstractReader,
    ArrayRecordReader,
    NpyReader,
    ParquetReader,
    Steps,
    StreamSequence,
    lanes,
    place,
    whole,
)
from vestige.sequences.hosting import read_rows
from vestige.sequences.places import LONGEST, PART, random_place

form = pytest.mark.parametrize("form", FORMS)


def rows(*each):
    """What the host is handed: begin, first step of the window, length."""
    return jnp.stack([jnp.asarray([*place(begin), start, length]) for begin, start, length in each])


def host(reader, *each, size=5, tokens=None, classes=None):
    return read_rows(reader, size, tokens, classes, rows(*each))


class Counting(AbstractReader):
    """Another reader, of which the calls are counted, and which may come back short."""

    def __init__(self, inner, *, short=0):
        self.inner, self.short, self.asked, self.read_at = inner, short, 0, []
        self.name, self.length, self.inputs, self.outcomes = inner.name, inner.length, inner.inputs, inner.outcomes
        self.unknown_outcomes = inner.unknown_outcomes

    def steps_there(self):
        self.asked += 1
        return self.inner.steps_there()

    def read(self, start, stop):
        self.read_at.append((start, stop))
        return self.inner.read(start, max(start, stop - self.short))


class TestAsInMemory:
    """Whatever the form of the file."""

    @form
    def test_it_is_a_sequence(self, form, tmp_path):
        conforms(whole(FORMS[form](tmp_path, *steps())))

    @form
    def test_windows_are_those_of_the_arrays(self, form, tmp_path):
        inputs, outcomes = steps()
        reader = FORMS[form](tmp_path, inputs, outcomes)
        assert reader.length == reader.steps_there() == LENGTH
        sequence, other = whole(reader, classes=5), in_memory(inputs, outcomes)
        window = jax.jit(lambda s, start: s.window(start, 11))
        for start in (-20, -4, 0, 3, 7, 8, LENGTH - 11, LENGTH - 2, LENGTH + 9):
            one, two = window(sequence, jnp.array(start)), window(other, jnp.array(start))
            same_where_inside(one, two)
            assert one.inputs.dtype == jnp.float32 and one.outcomes.dtype == jnp.int32
            assert not np.asarray(one.inputs)[~np.asarray(one.inside)].any()
            assert not np.asarray(one.outcomes)[~np.asarray(one.inside)].any()

    @form
    def test_lanes_cover_the_file_in_order(self, form, tmp_path):
        inputs, outcomes = steps()
        parts = lanes(FORMS[form](tmp_path, inputs, outcomes), 4)
        assert parts.length.tolist() == [10, 11, 11, 11]
        read = jax.jit(jax.vmap(lambda s: s.window(jnp.array(0), 11)))(parts)
        np.testing.assert_array_equal(np.asarray(read.inputs)[np.asarray(read.inside)], inputs)
        np.testing.assert_array_equal(np.asarray(read.outcomes)[np.asarray(read.inside)], outcomes)

    @form
    def test_the_cache_changes_nothing(self, form, tmp_path):
        if form == "npy":
            pytest.skip("has none")
        inputs, outcomes = steps()
        reader = FORMS[form](tmp_path, inputs, outcomes, cache_bytes=1)
        for start, stop in ((0, 9), (30, LENGTH), (0, 9), (7, 8), (0, LENGTH)):
            xs, ys = reader.read(start, stop)
            np.testing.assert_array_equal(xs, inputs[start:stop])
            np.testing.assert_array_equal(ys, outcomes[start:stop])

    def test_blocks_are_decoded_once(self, tmp_path):
        reader = parquet(tmp_path, *steps())
        decoded, load = [], reader._blocks._load
        reader._blocks._load = lambda block: decoded.append(block) or load(block)
        for start in (0, 2, 9, 1):
            reader.read(start, start + 3)
        assert decoded == [0, 1]

    def test_blocks_used_last_are_kept(self, tmp_path):
        reader = parquet(tmp_path, *steps(), cache_bytes=2 * 8 * 16)  # two row groups of 8 steps of 16 bytes
        decoded, load = [], reader._blocks._load
        reader._blocks._load = lambda block: decoded.append(block) or load(block)
        for start in (0, 8, 0, 16, 0, 8):
            reader.read(start, start + 3)
        assert decoded == [0, 1, 2, 1]

    def test_changes_that_float32_would_round_away_are_refused(self, tmp_path):
        """A level of 1e7 that changes by 0.1, and time stamps beside a number; float64's own rounding is no change."""
        draw = np.random.default_rng(0)
        level = 1e7 + 0.1 * np.cumsum(draw.normal(size=(9, 1)), axis=0)
        stamps = np.stack([1.7e9 + np.arange(9), draw.normal(size=9)], axis=1)
        for wide in (level, stamps):
            reader = npy(tmp_path, wide, np.zeros(9))
            with pytest.raises(RunError, match="inputs lose their changes in float32, .* first at step 2.* subtract"):
                host(reader, (1, 0, 8), size=8)
        rounded = np.full((9, 1), 0.3)
        rounded[::2] = 0.1 + 0.2
        for fine in (level - 1e7, rounded, level.astype(np.float32)):
            host(npy(tmp_path, fine, np.zeros(9)), (1, 0, 8), size=8)
        with pytest.raises(RunError, match="outcomes lose their changes"):
            host(npy(tmp_path, np.zeros((9, 1)), level[:, 0]), (1, 0, 8), size=8)

    def test_large_integers_beside_numbers_are_refused(self, tmp_path):
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet as pq

        for value in (2**60, -(2**60), 2**64 - 1):
            ids = np.array([1, value, 3], np.uint64 if value > 2**63 else np.int64)
            table = pyarrow.table({"id": ids, "x": np.ones(3, np.float32), "y": np.zeros(3)})
            pq.write_table(table, tmp_path / "a.parquet")
            reader = ParquetReader(tmp_path / "a.parquet", inputs=["id", "x"], outcomes="y")
            with pytest.raises(RunError, match=f"column 'id' is {value:,} at step 1, more than float64 can tell apart"):
                reader.read(0, 3)

    def test_numbers_are_narrowed(self, tmp_path):
        reader = npy(tmp_path, np.arange(9, dtype=np.uint8), np.linspace(0, 1, 9))
        window = whole(reader).window(jnp.array(1), 3)
        assert window.inputs.dtype == jnp.int32 and window.outcomes.dtype == jnp.float32
        np.testing.assert_array_equal(window.inputs, [1, 2, 3])


class TestInPrograms:
    """Under the transformations that rules use."""

    def test_one_call_for_all_rows_of_nested_maps(self, tmp_path):
        reader = Counting(npy(tmp_path, *steps()))
        read = jax.jit(jax.vmap(lambda s: jax.vmap(lambda t: s.window(t, 2))(jnp.arange(3))))
        windows = read(lanes(reader, 4))
        assert windows.inputs.shape == (4, 3, 2, 3)
        assert reader.asked == 1 and len(reader.read_at) == 12
        np.testing.assert_array_equal(windows.inputs[1, 2], steps()[0][12:14])

    def test_loops_and_gradients_beside_it(self, tmp_path):
        inputs, outcomes = steps()
        streams, arrays = lanes(npy(tmp_path, inputs, outcomes), 1), jax.tree.map(
            lambda leaf: leaf[None], in_memory(inputs, outcomes)
        )  # fmt: skip

        @eqx.filter_jit
        def slope(sequences, weights):
            def loss(weights, sequence):
                def scanned(total, start):
                    window = sequence.window(start, 5)
                    error = jnp.square(window.inputs @ weights - window.outcomes.astype(jnp.float32))
                    return total + jnp.sum(jnp.where(window.known, error, 0.0)), None

                return jax.lax.scan(jax.checkpoint(scanned), jnp.zeros(()), 5 * jnp.arange(9))[0]

            def descend(loop):
                grads = jax.vmap(jax.grad(loss), (None, 0))(loop[1], sequences)
                return loop[0] + 1, loop[1] - 1e-3 * jnp.mean(grads, axis=0)

            return jax.lax.while_loop(lambda loop: loop[0] < 3, descend, (jnp.array(0), weights))[1]

        weights = jnp.array([0.3, -1.0, 2.0])
        np.testing.assert_allclose(slope(streams, weights), slope(arrays, weights), rtol=1e-6)
        assert not np.allclose(slope(streams, weights), weights)

    def test_a_batch_spread_over_devices(self, tmp_path):
        mesh = jax.sharding.Mesh(np.array(jax.devices()[:4]), ("data",))
        inputs, outcomes = steps()
        parts = lanes(npy(tmp_path, inputs, outcomes), 8)
        spread = eqx.filter_shard(parts, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data")))
        read = jax.jit(jax.vmap(lambda s: s.window(jnp.array(0), 6)))
        jax.tree.map(np.testing.assert_array_equal, read(spread), read(parts))

    def test_nothing_outside_is_read(self, tmp_path):
        reader = Counting(npy(tmp_path, *steps()))
        host(reader, (10, -2, 20), (10, 18, 20), (10, 20, 20), (10, -5, 20))
        assert reader.read_at == [(10, 13), (28, 30)]


@pytest.fixture(scope="module")
def huge(tmp_path_factory):
    folder, length = tmp_path_factory.mktemp("huge"), 2**32 + 1000
    for name in ("x", "y"):  # sparse: a few blocks on disk
        file = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, (length,))
        file[2**32 : 2**32 + 100] = np.arange(100)
        file[-1] = 7
        del file
    yield NpyReader(folder / "x.npy", folder / "y.npy")
    for name in ("x", "y"):
        (folder / f"{name}.npy").unlink()


class TestHugeFiles:
    """More steps than 32 bits count."""

    def test_places_beyond_32_bits(self, huge):
        length = jnp.array(1000, jnp.int32)
        sequence = StreamSequence(reader=huge, begin=jnp.asarray(place(2**32 - 5)), length=length)
        read = jax.jit(lambda s, start: s.window(start, 9).inputs)
        np.testing.assert_array_equal(read(sequence, jnp.array(0)), [0] * 5 + [0, 1, 2, 3])
        np.testing.assert_array_equal(read(sequence, jnp.array(90)), np.arange(85, 94))
        last = jax.tree.map(lambda leaf: leaf[-1], lanes(huge, 5))
        window = last.window(last.length - 2, 4)
        assert window.inputs.tolist() == [0, 7, 0, 0] and window.inside.tolist() == [True, True, False, False]

    def test_a_sequence_too_long_for_32_bits_is_refused(self, huge):
        with pytest.raises(ValueError, match=r"4,294,968,296 steps in count=1 .* take count=5 at least"):
            whole(huge)

    def test_random_places_are_everywhere(self, key):
        count = 3 * PART + PART // 2
        draw = jax.jit(jax.vmap(lambda k: random_place(count, key=k)))
        places = np.asarray(draw(jax.random.split(key, 4000)), np.int64)
        found = places[:, 0] * PART + places[:, 1]
        assert found.min() >= 0 and found.max() < count
        shares = np.bincount(places[:, 0], minlength=4) / 4000
        np.testing.assert_allclose(shares, np.array([2, 2, 2, 1]) / 7, atol=0.03)
        assert abs(found.mean() / count - 0.5) < 0.02

    def test_random_places_of_a_small_file(self, key):
        found = jax.jit(jax.vmap(lambda k: random_place(3, key=k)))(jax.random.split(key, 300))
        assert set(found[:, 1].tolist()) == {0, 1, 2} and not found[:, 0].any()

    def test_places_are_exact(self):
        for step in (0, 5, PART - 1, PART, 2**31, 2**40 + 3):
            high, low = (int(part) for part in place(step))
            assert high * PART + low == step and 0 <= low < PART
        assert LONGEST + 2**20 < 2**31


class TestFaults:
    """Named with file and step, never read over."""

    @pytest.mark.parametrize("cut", [1, 60, 300])
    def test_a_file_that_shrinks(self, cut, tmp_path):
        reader = npy(tmp_path, *steps())
        path = tmp_path / "x.npy"
        host(reader, (0, 0, LENGTH))
        os.truncate(path, path.stat().st_size - cut)
        there = LENGTH - -(-cut // 12)
        with pytest.raises(RunError, match=rf"x.npy.*shrunk.*steps 3 to 7 were requested.* 43 steps {there} are there"):
            host(reader, (0, 3, LENGTH))

    @form
    def test_any_form_that_shrinks(self, form, tmp_path):
        reader = FORMS[form](tmp_path, *steps())
        host(reader, (0, 0, LENGTH))
        if form == "zarr":
            import zarr as module

            module.open_array(tmp_path / "steps.zarr" / "inputs", mode="r+").resize((20, 3))
        else:
            path = tmp_path / {"npy": "y.npy", "parquet": "steps.parquet", "array_record": "steps.array_record"}[form]
            os.truncate(path, path.stat().st_size // 8)
        assert reader.steps_there() < LENGTH
        with pytest.raises(RunError, match=r"shrunk.*steps 0 to 4 were requested.*of 43 steps \d+ are there"):
            host(reader, (0, 0, LENGTH))

    def test_a_parquet_file_counts_whole_row_groups(self, tmp_path):
        reader = parquet(tmp_path, *steps())
        os.truncate(tmp_path / "steps.parquet", reader._ends[2] + 1)
        assert reader.steps_there() == 24

    def test_a_file_that_shrinks_between_check_and_read(self, tmp_path):
        """No memory map, which would end the process: the read comes back short."""
        reader = npy(tmp_path, *steps())
        os.truncate(tmp_path / "y.npy", (tmp_path / "y.npy").stat().st_size - 4 * 40)
        xs, ys = reader.read(0, 5)
        assert len(xs) == 5 and len(ys) == 3

    def test_a_short_read(self, tmp_path):
        with pytest.raises(RunError, match=r"steps 12 to 16 .* 5 in all, but 4 inputs and 4 outcomes came back"):
            host(Counting(npy(tmp_path, *steps()), short=1), (10, 2, 20))

    def test_a_file_that_vanishes(self, tmp_path):
        reader = parquet(tmp_path, *steps())
        (tmp_path / "steps.parquet").unlink()
        with pytest.raises(RunError, match=r"steps\.parquet: it can no longer be read.*No such file"):
            host(reader, (0, 0, LENGTH))

    def test_a_sequence_beyond_the_file(self, tmp_path):
        with pytest.raises(RunError, match=r"steps 40 to 44 were requested, but it has 43 steps"):
            host(npy(tmp_path, *steps()), (40, 0, 20))

    def test_an_outcome_that_is_nan(self, tmp_path):
        inputs, _ = steps()
        outcomes = np.linspace(0, 1, LENGTH, dtype=np.float32)
        outcomes[[17, 30]] = np.nan
        reader = npy(tmp_path, inputs, outcomes)
        host(reader, (0, 12, LENGTH))
        with pytest.raises(RunError, match=r"y\.npy: the outcome at step 17 is NaN.*unknown_outcomes=True"):
            host(reader, (0, 0, LENGTH), (10, 4, 20))
        sequence = whole(npy(tmp_path, inputs, outcomes, unknown_outcomes=True))
        conforms(sequence)
        window = sequence.window(jnp.array(15), 4)
        assert window.known.tolist() == [True, True, False, True] and window.inside.all()
        assert float(window.outcomes[2]) == 0  # a NaN would poison gradients, masked or not

    @form
    def test_a_negative_class(self, form, tmp_path):
        inputs, outcomes = steps()
        outcomes[[4, 20]] = -1
        with pytest.raises(RunError, match=r"outcome at step 4 is -1, expected 0\.\.4 .*unknown_outcomes=True"):
            host(FORMS[form](tmp_path, inputs, outcomes), (0, 0, LENGTH), classes=5)
        reader = FORMS[form](tmp_path, inputs, outcomes, unknown_outcomes=True)
        window = whole(reader, classes=5).window(jnp.array(3), 3)
        assert window.known.tolist() == [True, False, True] and int(window.outcomes[1]) == 0

    @pytest.mark.parametrize(("kind", "known"), [("int16", True), ("uint8", True), ("float64", True), ("int32", False)])
    def test_a_null_in_parquet(self, kind, known, tmp_path):
        pyarrow = pytest.importorskip("pyarrow", reason="needs the extra 'streams'")
        reader = parquet(tmp_path, *steps(), unknown_outcomes=known)
        outcomes = pyarrow.array([*range(10), None, *range(11, LENGTH)], pyarrow.type_for_alias(kind))
        table = pyarrow.parquet.read_table(tmp_path / "steps.parquet").drop_columns("y").append_column("y", outcomes)
        pyarrow.parquet.write_table(table, tmp_path / "nulls.parquet", row_group_size=8)
        reader = type(reader)(tmp_path / "nulls.parquet", inputs=["x0"], outcomes="y", unknown_outcomes=known)
        if not known:
            with pytest.raises(RunError, match=r"column 'y' is null at step 10; unknown_outcomes=True"):
                host(reader, (0, 0, LENGTH), size=12)
            return
        _, ys, seen = host(reader, (0, 0, LENGTH), size=12)
        assert seen[0].tolist() == [True] * 10 + [False, True]
        assert ys[0].tolist() == [*range(10), 0, 11]

    def test_tokens_and_classes_out_of_range(self, tmp_path):
        tokens = np.arange(20, dtype=np.uint16)
        reader = npy(tmp_path, tokens, tokens.astype(np.int64))
        host(reader, (0, 0, 20), tokens=5, classes=5)
        with pytest.raises(RunError, match=r"x\.npy.*the input at step 5 is 5, expected 0\.\.4 \(tokens=5\)"):
            host(reader, (0, 1, 20), tokens=5)
        with pytest.raises(RunError, match=r"the outcome at step 7 is 7, expected 0\.\.6 \(classes=7\)$"):
            host(reader, (2, 3, 20), classes=7)

    @pytest.mark.parametrize(
        ("bad", "dtype", "why"),
        [(np.inf, np.float32, "not a finite float32"), (1e300, np.float64, "not a finite float32"),
         (np.nan, np.float16, "not a finite float32"), (2**31, np.int64, "not an int32"),
         (2**31, np.uint32, "not an int32"), (2**63, np.uint64, "not an int32")],
    )  # fmt: skip
    def test_numbers_that_do_not_fit(self, bad, dtype, why, tmp_path):
        inputs = np.ones(9, dtype)
        inputs[6] = bad
        reader = npy(tmp_path, inputs, np.zeros(9, np.float32))
        host(reader, (0, 0, 9))
        with pytest.raises(RunError, match=rf"the input at step 6 is .*{why}"):
            host(reader, (0, 2, 9))

    def test_the_message_survives_compilation(self, tmp_path):
        reader = npy(tmp_path, *steps())
        sequence = whole(reader)
        read = jax.jit(lambda s: jnp.sum(s.window(jnp.array(0), 4).inputs))
        read(sequence)
        os.truncate(tmp_path / "x.npy", 200)
        with pytest.raises(Exception, match=r"RunError: .*x\.npy.* has shrunk"):
            read(sequence).block_until_ready()


class TestOpening:
    """What is refused before anything starts."""

    def test_nothing_there(self, tmp_path):
        with pytest.raises(UsageError, match=r"none\.npy: there is no such file"):
            NpyReader(tmp_path / "none.npy", tmp_path / "none.npy")

    @form
    def test_no_steps(self, form, tmp_path):
        if form in ("zarr", "array_record"):
            pytest.skip("cannot be written by these packages, or is refused as damaged")
        with pytest.raises(UsageError, match="it is empty"):
            FORMS[form](tmp_path, np.zeros((0, 3), np.float32), np.zeros(0, np.int32))

    def test_lengths_that_differ(self, tmp_path):
        inputs, outcomes = steps()
        with pytest.raises(UsageError, match="got 43 inputs, 42 outcomes"):
            npy(tmp_path, inputs, outcomes[:-1])
        with pytest.raises(UsageError, match="got 43 inputs, 42 outcomes"):
            zarr(tmp_path, inputs, outcomes[:-1])

    def test_no_numbers(self, tmp_path):
        inputs, outcomes = steps()
        with pytest.raises(UsageError, match="outcomes must be integers, booleans or floating-point numbers, got <U2"):
            npy(tmp_path, inputs, np.array(["no"] * LENGTH))
        with pytest.raises(UsageError, match="column 'y' must be integers"):
            parquet(tmp_path, inputs, np.array(["no"] * LENGTH))
        with pytest.raises(UsageError, match="time as its first axis"):
            npy(tmp_path, np.array(1.0), outcomes)

    def test_fortran_order(self, tmp_path):
        inputs, outcomes = steps()
        with pytest.raises(UsageError, match="Fortran order; save np.ascontiguousarray"):
            npy(tmp_path, np.asfortranarray(inputs), outcomes)

    @pytest.mark.parametrize("form", ["npy", "parquet", "array_record"])
    def test_another_kind_of_file(self, form, tmp_path):
        FORMS[form](tmp_path, *steps())
        path = tmp_path / {"npy": "x.npy", "parquet": "steps.parquet", "array_record": "steps.array_record"}[form]
        path.write_bytes(b"something else")
        again = {
            "npy": lambda: NpyReader(path, path),
            "parquet": lambda: __import__("vestige").sequences.ParquetReader(path, inputs="x0", outcomes="y"),
            "array_record": lambda: ArrayRecordReader(path, inputs=("f4", ()), outcomes=("f4", ())),
        }
        with pytest.raises(UsageError, match="not a sound"):
            again[form]()

    def test_names_that_are_not_there(self, tmp_path):
        zarr(tmp_path, *steps())
        with pytest.raises(UsageError, match="there is no array 'labels'"):
            __import__("vestige").sequences.ZarrReader(tmp_path / "steps.zarr", outcomes="labels")
        parquet(tmp_path, *steps())
        with pytest.raises(UsageError, match="no column 'z' for outcomes; it has x0, x1, x2, unused, y"):
            __import__("vestige").sequences.ParquetReader(tmp_path / "steps.parquet", inputs="x0", outcomes="z")

    def test_records_that_are_no_steps(self, tmp_path):
        FORMS["array_record"](tmp_path, *steps())
        with pytest.raises(UsageError, match=r"record 0 has 64 bytes.*steps of 12 bytes"):
            ArrayRecordReader(tmp_path / "steps.array_record", inputs=("f8", ()), outcomes=("f4", ()))

    def test_a_package_that_is_not_installed(self):
        from vestige.sequences.readers.opening import extra

        with pytest.raises(UsageError, match=r"SomeReader needs nowhere .*pip install 'vestige\[streams\]'"):
            extra("nowhere.at_all", "SomeReader")

    def test_classes_of_numbers(self, tmp_path):
        inputs, outcomes = steps()
        with pytest.raises(ValueError, match="tokens=4 needs at least 1, and integers"):
            whole(npy(tmp_path, inputs, outcomes), tokens=4)

    @pytest.mark.parametrize("count", [0, LENGTH + 1])
    def test_more_lanes_than_steps(self, count, tmp_path):
        with pytest.raises(ValueError, match=r"count must be in 1\.\.43"):
            lanes(npy(tmp_path, *steps()), count)

    def test_what_a_step_holds(self, tmp_path):
        reader = npy(tmp_path, *steps())
        assert reader.inputs == Steps((3,), np.dtype(np.float32)) and reader.outcomes == Steps((), np.dtype(np.int32))
        assert hash(reader) == hash(reader) and reader != npy(tmp_path, *steps())
