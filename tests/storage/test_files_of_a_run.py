"""Log, results and configuration: each is checked when it is read."""

import contextlib
import json
import random

import pytest

from vestige.errors import UsageError
from vestige.storage.config import read_config, write_config
from vestige.storage.durable import DamagedFile
from vestige.storage.fitted import FITTED, read_fitted, write_fitted
from vestige.storage.log import read_log
from vestige.storage.results import read_results, write_results
from vestige.training.sinks import JsonLines, read_records

RESULTS = {"metrics": {"loss": 0.5, "bad": float("nan")}, "published": {}, "bounds": {}, "updates": 20, "seconds": 1.0}
CONFIG = {"schema": 2, "experiment": "recall", "seed": 0, "options": {"steps": 20, "rate": 0.001}}


def unless_damaged(read, path):
    """What is read, or None where it is refused as damaged."""
    try:
        return read(path)
    except DamagedFile:
        return None


def record(step):
    return {"kind": "train", "step": step, "seconds": float(step), "loss": 1.0 / step}


@pytest.fixture
def log(tmp_path):
    """A log of a hundred lines, and its seal."""
    lines = JsonLines(tmp_path / "metrics.jsonl", step=0)
    for step in range(1, 101):
        lines.write(record(step))
    seal = lines.seal()
    lines.close()
    return tmp_path / "metrics.jsonl", seal


class TestLog:
    def test_the_seal_is_of_the_file(self, log):
        from vestige.storage.digests import digest_of_file

        path, seal = log
        assert digest_of_file(path) == seal
        again = JsonLines(path, step=100, sealed=seal)
        again.close()
        assert again.notices == [] and digest_of_file(path) == seal and again.seconds == 100.0

    def test_one_bad_line_costs_one_line(self, log):
        path, seal = log
        raw = path.read_bytes().split(b"\n")
        raw[49] = raw[49].replace(b"train", b"tra\xffn")
        path.write_bytes(damaged := b"\n".join(raw))
        again = JsonLines(path, step=100, sealed=seal)
        again.close()
        assert len(read_records(path)) == 99
        assert len(again.notices) == 1 and "1 of its lines cannot be read" in again.notices[0]
        assert path.with_name("metrics.jsonl.damaged-1").read_bytes() == damaged

    def test_a_number_that_changed_is_noticed(self, log):
        path, seal = log
        path.write_bytes(path.read_bytes().replace(b'"seconds": 50.0', b'"seconds": 58.0'))
        again = JsonLines(path, step=100, sealed=seal)
        again.close()
        assert len(read_records(path)) == 100 and "it is not the log that was written" in again.notices[0]

    def test_a_line_cut_by_a_kill_is_no_damage(self, log):
        path, _ = log
        with path.open("ab") as file:
            file.write(b'{"kind": "train", "step": 10')
        found = read_log(path)
        assert found.cut and not found.damaged and len(found.lines) == 100
        again = JsonLines(path, step=60)
        again.close()
        assert again.notices == [] and len(read_records(path)) == 60

    def test_one_that_is_missing_or_no_file(self, log):
        path, seal = log
        path.unlink()
        again = JsonLines(path, step=100, sealed=seal)
        again.close()
        assert "is missing" in again.notices[0]
        path.unlink()
        path.mkdir()
        again = JsonLines(path, step=100)
        again.close()
        assert "set aside as metrics.jsonl.damaged-1" in again.notices[0] and path.is_file()

    @pytest.mark.parametrize(
        "change",
        [
            {"kind": "evaluated"}, {"step": -1}, {"step": 1.5}, {"step": True}, {"step": None}, {"seconds": "1"},
            {"seconds": None}, {"loss": "0.5"}, {"loss": [1]}, {"loss": True},
        ],
    )  # fmt: skip
    def test_what_is_no_record(self, tmp_path, change):
        path = tmp_path / "metrics.jsonl"
        path.write_text(json.dumps({**record(1), **change}) + "\n" + json.dumps({**record(2), "loss": None}) + "\n")
        assert read_log(path).damaged == [1] and [line.record["step"] for line in read_log(path).lines] == [2]


class TestResults:
    def test_they_come_back_with_null_for_no_number(self, tmp_path):
        written = write_results(tmp_path / "results.json", RESULTS)
        assert read_results(tmp_path / "results.json") == written
        assert written["metrics"] == {"loss": 0.5, "bad": None} and len(written["digest"]) == 64

    def test_no_flipped_bit_is_believed(self, tmp_path):
        path = tmp_path / "results.json"
        sound, chance = write_results(path, RESULTS), random.Random(0)
        whole = path.read_bytes()
        for _ in range(500):
            content = bytearray(whole)
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            path.write_bytes(bytes(content))
            found = unless_damaged(read_results, path)
            assert found is None or (found["metrics"] == sound["metrics"] and found["updates"] == 20)

    @pytest.mark.parametrize(
        "text",
        [
            "", "{", "{}", "[]", "null", '{"metrics": []}', '{"metrics": {"a": "b"}}', '{"metrics": {"a": true}}',
            '{"metrics": {}, "updates": true}', '{"metrics": {}, "updates": 1.5}', '{"members": []}',
            '{"rows": [], "cells": {}}', '{"rows": {}, "columns": []}', "[" * 100_000,
        ],
    )  # fmt: skip
    def test_what_is_no_result(self, tmp_path, text):
        (tmp_path / "results.json").write_text(text)
        with pytest.raises(DamagedFile, match=r"results\.json (is|does|cannot be read as JSON)"):
            read_results(tmp_path / "results.json")

    def test_those_of_earlier_versions_are_read(self, tmp_path):
        (tmp_path / "results.json").write_text('{"metrics": {"a": 1}}')
        assert read_results(tmp_path / "results.json") == {"metrics": {"a": 1}}
        with pytest.raises(UsageError, match="does not exist"):
            read_results(tmp_path / "none.json")


class TestConfig:
    def test_no_flipped_bit_and_no_cut_is_believed(self, tmp_path):
        write_config(tmp_path, CONFIG)
        path, chance = tmp_path / "config.yaml", random.Random(0)
        whole = path.read_bytes()
        for number in range(500):
            content = bytearray(whole)
            if number % 2:
                content = content[: chance.randrange(len(content))]
            else:
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            path.write_bytes(bytes(content))
            assert unless_damaged(read_config, tmp_path) in (None, CONFIG)

    def test_one_without_a_digest_is_read(self, tmp_path):
        (tmp_path / "config.yaml").write_text("options: {}\n")
        assert read_config(tmp_path) == {"options": {}}

    def test_one_that_was_changed_on_purpose_says_what_to_do(self, tmp_path):
        write_config(tmp_path, CONFIG)
        path = tmp_path / "config.yaml"
        path.write_text(path.read_text().replace("seed: 0", "seed: 1"))
        with pytest.raises(DamagedFile, match=r"config\.yaml is not what was written: .* remove its first line"):
            read_config(tmp_path)
        path.write_text(path.read_text().partition("\n")[2])
        assert read_config(tmp_path)["seed"] == 1


class TestFitted:
    """With another scale every number of an evaluation would be wrong."""

    FITTED = {"kind": "numbers", "mean": [0.1, 1e7], "scale": [1.0, 0.25]}

    def test_what_was_written_is_read(self, tmp_path):
        write_fitted(tmp_path, self.FITTED)
        write_fitted(tmp_path, {"kind": "another"})  # the first stays
        assert read_fitted(tmp_path) == self.FITTED
        assert read_fitted(tmp_path / "nowhere") is None

    def test_every_flipped_bit_is_noticed(self, tmp_path):
        write_fitted(tmp_path, self.FITTED)
        path = tmp_path / FITTED
        sound = path.read_bytes()
        for place in range(8 * len(sound)):
            bits = bytearray(sound)
            bits[place // 8] ^= 1 << place % 8
            path.write_bytes(bytes(bits))
            with contextlib.suppress(DamagedFile):
                assert read_fitted(tmp_path) == self.FITTED, place  # a space that became a tab
