"""Tables and texts as steps: which columns, which numbers, what is kept, and what is refused with row and column."""

import gzip
import os

import numpy as np
import pytest

from vestige.data.steps import StepColumns, TextTable, converted, converted_with, step_schema
from vestige.data.steps.prose import is_prose
from vestige.data.tables import SchemaOptions, infer, open_table
from vestige.errors import UsageError
from vestige.sequences import TableReader


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "vestige" / "data" / "steps"


def csv(folder, *rows, header="word,size,flag,who,outcome", name="steps.csv"):
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


MIXED = ("red,1.5,0,a,no", "blue,2.5,1,a,", "red,,1,b,yes", "green,4.5,0,b,no", "red,0.5,1,c,yes", "blue,1.0,0,c,no")


def read(steps, start=0, stop=None):
    reader = TableReader("steps", steps, start, stop)
    return reader.read(0, reader.length)


class TestColumns:
    """What becomes of them."""

    def test_mixed_columns_become_a_vector(self, tmp_path):
        """One-hot classes in the order of their names, a number scaled on the training rows, 0 and 1 as they are."""
        steps = converted(csv(tmp_path, *MIXED), SchemaOptions(document="who"), share=0.34)
        assert (steps.cut, steps.lengths.tolist()) == (4, [2, 2, 2])
        columns = steps.columns
        assert (columns.tokens, columns.features, columns.classes, columns.labels) == (
            None,
            3 + 2 + 1,
            2,
            ("no", "yes"),
        )
        inputs, outcomes = read(steps)
        numbers = np.array([1.5, 2.5, np.nan, 4.5, 0.5, 1.0])
        train = numbers[:4]
        scaled = (numbers - np.nanmean(train)) / np.nanstd(train)
        expected = [
            [0, 0, 1, scaled[0], 0, 0],
            [1, 0, 0, scaled[1], 0, 1],
            [0, 0, 1, 0, 1, 1],
            [0, 1, 0, scaled[3], 0, 0],
            [0, 0, 1, scaled[4], 0, 1],
            [1, 0, 0, scaled[5], 0, 0],
        ]
        np.testing.assert_allclose(inputs, expected, rtol=1e-6)
        assert outcomes.tolist() == [0, -1, 1, 0, 1, 0]
        assert inputs.dtype == np.float32 and outcomes.dtype == np.int32

    def test_one_column_of_classes_is_a_token(self, tmp_path):
        steps = converted(csv(tmp_path, "b,x", "a,y", ",x", "c,", header="word,outcome"))
        assert (steps.columns.tokens, steps.columns.features) == (4, None)
        inputs, outcomes = read(steps)
        assert inputs.tolist() == [1, 0, 3, 2] and outcomes.tolist() == [0, 1, 0, -1]

    def test_codes_are_classes_and_other_whole_numbers_are_scaled(self, tmp_path):
        rows = [f"{i % 4 + (i % 4 > 1)},{(i * 37) % 997},{i % 2}" for i in range(400)]
        table = open_table(csv(tmp_path, *rows, header="code,count,outcome"))
        found = step_schema(table)
        assert {c.name: c.kind for c in found.schema.columns} == {"code": "class", "count": "number", "outcome": "bit"}
        assert found.schema.column("code").vocabulary == ("0", "1", "3", "4")
        assert len(found.notes) == 1 and "'code'" in found.notes[0]
        said = step_schema(table, SchemaOptions(kinds={"code": "number"}))
        assert said.schema.column("code").kind == "number" and not said.notes

    def test_a_number_is_predicted_in_units_of_the_training(self, tmp_path):
        rows = [f"{i % 3}.5,{10 * i + 0.5 if i % 2 else ''}" for i in range(8)]
        steps = converted(csv(tmp_path, *rows, header="x,target"))
        centre, scale = steps.columns.unit
        known = np.array([10.5, 30.5, 50.5, 70.5])
        assert (centre, scale) == (pytest.approx(known.mean()), pytest.approx(known.std()))
        outcomes = read(steps)[1]
        np.testing.assert_allclose(outcomes[1::2] * scale + centre, known, rtol=1e-6)
        assert np.isnan(outcomes[::2]).all()

    def test_plain_values_make_the_same_again(self, tmp_path):
        columns = converted(csv(tmp_path, *MIXED)).columns
        again = StepColumns.from_plain(columns.as_plain())
        assert again.as_plain() == columns.as_plain() and again.labels == columns.labels

    def test_a_boolean_outcome_has_names(self, tmp_path):
        np.savez(tmp_path / "a.npz", x=np.arange(4) / 3, outcome=np.array([True, False, True, False]))
        assert converted(tmp_path / "a.npz").columns.labels == ("False", "True")


class TestParts:
    """What is held out."""

    def test_whole_documents(self, tmp_path):
        rows = [f"{word},{who},{word}" for who in "abcde" for word in ("x", "y")]
        steps = converted(csv(tmp_path, *rows, header="word,who,outcome"), SchemaOptions(document="who"), share=0.3)
        assert steps.cut == 6 and steps.documents(held_out=False).tolist() == [2] * 3
        assert steps.documents(held_out=True).tolist() == [2] * 2

    def test_the_last_rows_of_one_document(self, tmp_path):
        steps = converted(csv(tmp_path, *[f"{w},{w}" for w in "xyxyxyxyxy"], header="word,outcome"), share=0.2)
        assert (steps.cut, steps.documents(held_out=False), steps.documents(held_out=True)) == (8, [8], [2])

    def test_scales_do_not_look_at_what_is_held_out(self, tmp_path):
        rows = [f"{i}.5,{i % 2}" for i in range(8)] + ["1000000,0", "2000000,1"]
        scales = converted(csv(tmp_path, *rows, header="x,outcome"), share=0.2).columns.encoder.scales
        assert scales.centre["x"] == pytest.approx(4.0) and scales.rows == 8


class TestCache:
    """Encoded once, whole or not at all."""

    def test_the_same_content_is_encoded_once(self, tmp_path, cache, monkeypatch):
        first = converted(csv(tmp_path, *MIXED))
        monkeypatch.setattr("vestige.data.steps.converting.open_steps", None)
        again = converted(csv(tmp_path, *MIXED, name="other.csv"))
        assert again.values == first.values
        assert len(list(cache.iterdir())) == 1

    def test_other_content_options_and_shares_are_others(self, tmp_path, cache):
        path = csv(tmp_path, *MIXED)
        found = {converted(path).values, converted(path, share=0.34).values}
        found.add(converted(path, SchemaOptions(ignored=("size",))).values)
        found.add(converted(csv(tmp_path, *MIXED[:-1], name="b.csv")).values)
        assert len(found) == 4

    def test_what_is_damaged_is_made_again(self, tmp_path):
        path = csv(tmp_path, *MIXED)
        steps = converted(path)
        expected = read(steps)
        with open(steps.values, "r+b") as file:
            file.truncate(150)
        np.testing.assert_array_equal(read(converted(path))[0], expected[0])
        about = steps.values.with_name("about.json")
        about.write_text(about.read_text().replace("red", "rod"))
        np.testing.assert_array_equal(read(converted(path))[0], expected[0])

    def test_nothing_is_left_of_a_table_that_is_refused(self, tmp_path, cache):
        path = csv(tmp_path, *MIXED)
        known = converted(path).columns
        wrong = csv(tmp_path, *MIXED, "pink,1,0,d,no", name="wrong.csv")
        with pytest.raises(UsageError):
            converted_with(wrong, known)
        assert len(list(cache.iterdir())) == 1 and not [p for p in os.listdir(cache) if p.startswith(".")]


class TestRefusals:
    """Each names the column, and the row where there is one."""

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ("pink,1,0,d,no", r"column 'word', row 7 \(line 8\): class 'pink' was not in the data of the schema"),
            ("red,1,0,d,maybe", r"column 'outcome', row 7 \(line 8\): class 'maybe' was not"),
            ("red,one,0,d,no", r"column 'size', row 7 \(line 8\): a number is expected, got 'one'"),
            (",1,0,d,no", r"column 'word', row 7 \(line 8\): it is missing, and never was in the data of the training"),
            ("red,1,2,d,no", r"column 'flag', row 7 \(line 8\): a bit must be 0 or 1, got 2"),
            ("red,1,0,a,no", r"column 'who', row 7 \(line 8\): document 'a' goes on after others"),
            ("red,1,0,d", r"line 8 has 4 cells"),
        ],
    )
    def test_what_another_file_holds(self, row, message, tmp_path):
        known = converted(csv(tmp_path, *MIXED), SchemaOptions(document="who")).columns
        with pytest.raises(UsageError, match=message):
            converted_with(csv(tmp_path, *MIXED, row, name="b.csv"), known)

    def test_columns_that_are_absent(self, tmp_path):
        known = converted(csv(tmp_path, *MIXED)).columns
        other = csv(tmp_path, "red,a,no", header="word,who,outcome", name="b.csv")
        with pytest.raises(UsageError, match="size"):
            converted_with(other, known)

    @pytest.mark.parametrize(
        ("rows", "header", "message"),
        [
            (["1.5,2.5"] * 3, "a,b", "a stream predicts one column, and no column is named outcome"),
            (["1.5,x,y"] * 2 + ["2,y,z"], "a,label,target", "label, target could be; name it"),
            (["1.5,x", "2.5,x"], "a,outcome", "column 'outcome' has one value wherever it is known"),
            (["1.5,x", "1.5,y"], "a,outcome", "nothing is seen beside the outcome 'outcome'"),
            (["1.5,x", "2.5,", "3.5,y"], "a,outcome", r"'outcome' is the same in all .* of the first 2 rows"),
            (
                ["1.5,", "2.5,", "3.5,", "4,", "4,", "3,", "3,x", "3,y"],
                "a,outcome",
                r"'outcome' is known in none of the first 6 rows",
            ),
            ([], "a,outcome", "no row|empty"),
            (["1.5,x"], "a,outcome", "column 'outcome' has one value"),
        ],
    )
    def test_tables_that_are_no_streams(self, rows, header, message, tmp_path):
        with pytest.raises(UsageError, match=message):
            converted(csv(tmp_path, *rows, header=header), share=0.2)

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(UsageError, match="there is no such file"):
            converted(tmp_path / "gone.csv")


class TestTexts:
    """Characters, each beside the next."""

    TEXT = "To be, or\nnot to be, that.\n\nÉ — “so”\n"

    def written(self, folder, name="a.txt"):
        data = self.TEXT.encode()
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return folder / name

    @pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
    @pytest.mark.parametrize("size", [1, 4, 1000])
    def test_every_character_and_the_next(self, name, size, tmp_path):
        batches = list(TextTable(self.written(tmp_path, name)).batches(size=size))
        characters = [c for b in batches for c in b.cells["character"].values.tolist()]
        following = [c for b in batches for c in b.cells["next"].values.tolist()]
        missing = [m for b in batches for m in b.cells["next"].missing.tolist()]
        assert "".join(characters) == self.TEXT and "".join(following) == self.TEXT[1:]
        assert missing == [False] * (len(self.TEXT) - 1) + [True]
        assert [b.start for b in batches] == list(range(0, len(self.TEXT), size))

    def test_steps_of_a_text(self, tmp_path):
        from vestige.tasks.longterm.stream_tables import TEXT

        steps = converted(self.written(tmp_path), TEXT, text=True, share=0.25)
        columns = steps.columns
        assert columns.tokens == columns.classes == len(set(self.TEXT)) and columns.text
        inputs, outcomes = read(steps)
        assert "".join(columns.labels[token] for token in inputs) == self.TEXT
        assert outcomes.tolist() == [*inputs[1:].tolist(), -1]
        (tmp_path / "b.txt").write_text("To be,\nor ω")
        with pytest.raises(UsageError, match=r"column 'character', line 2, character 4: class 'ω' was not"):
            converted_with(tmp_path / "b.txt", columns, text=True)

    def test_prose_is_no_table(self, tmp_path):
        assert is_prose(self.written(tmp_path)) and is_prose(self.written(tmp_path, "a.txt.gz"))
        for name, text in {
            "numbers.txt": "1.5 2.5\n2.5 3.5\n",
            "words.txt": "red,no\nblue,yes\ngreen,no\n",
            "columns.txt": "red no\nblue yes\n",
            "a.csv": self.TEXT,
        }.items():
            (tmp_path / name).write_text(text)
            assert not is_prose(tmp_path / name), name
        assert not is_prose(tmp_path / "gone.txt") and not is_prose(tmp_path)
        (tmp_path / "empty.txt").write_text("")
        with pytest.raises(UsageError, match="it is empty"):
            TextTable(tmp_path / "empty.txt")


def test_a_schema_of_a_text_is_of_its_characters(tmp_path):
    (tmp_path / "a.txt").write_text("12 12 ab")
    found = infer(TextTable(tmp_path / "a.txt"), SchemaOptions(kinds={"character": "class", "next": "class"}))
    assert found.column("character").vocabulary == ("1", "2", " ", "a", "b")
