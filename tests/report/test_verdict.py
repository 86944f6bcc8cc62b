"""The verdict: what it says of a result, and when it says that nothing can be said."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from vestige.report import write_report
from vestige.report.convergence import convergence
from vestige.report.rank_sum import clearly_less, rank_sum
from vestige.report.ranking import ranking
from vestige.report.standing import Standing, interval
from vestige.report.verdict import verdict_of
from vestige.storage.fit_file import write_fit


def write_run(folder: Path, metrics: dict, *, bounds=None, evaluations=(), published=None, **results) -> Path:
    """A finished run of `perfect-recall` with these metrics, and these values of `kl_last` while it was trained."""
    folder.mkdir(parents=True, exist_ok=True)
    options = {"steps": 6000, "eval_size": 256}
    config = {"experiment": "perfect-recall", "preset": "small", "seed": 0, "all_options": options, "parameters": 9}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    count = len(evaluations)
    lines = [
        {"kind": "evaluate", "step": 6000 * (i + 1) // count, "seconds": i, "kl_last": value}
        for i, value in enumerate(evaluations)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = {"metrics": metrics, "bounds": bounds or {}, "published": published or {}, "updates": 6000, "seconds": 5.0}
    (folder / "results.json").write_text(json.dumps({**found, **results}))
    return folder


LEVELS = {"kl_last": {"best": 0.0, "chance": 6.0}}
FALLING = [6.0, 4.0, 3.0, 2.0, 1.5, 1.2, 1.0, 0.8, 0.6, 0.4, 0.3, 0.2]
FLAT = [6.0, 3.0, 1.0, 0.5, 0.21, 0.2, 0.19, 0.21, 0.2, 0.2, 0.19, 0.21]


def answers(folder: Path) -> dict[str, tuple[str, bool | None]]:
    return {answer.question: (answer.text, answer.good) for answer in verdict_of(folder).answers}


class TestOfARun:
    def test_near_the_best(self, tmp_path):
        found = verdict_of(write_run(tmp_path, {"kl_last": 0.2}, bounds=LEVELS, evaluations=FLAT))
        assert found.sentence == "Near the best possible. KL, last frame: 0.2 nats (chance 6; best possible 0)."
        assert found.caveats == ()
        asked = answers(tmp_path)
        assert asked["Beats chance?"] == ("Yes: 0.2 against 6 nats.", True)
        assert asked["Near the best?"] == ("Yes: 0.2, the best possible is 0: 96.7% of the way from chance.", True)
        assert asked["Trained enough?"] == ("Yes: 6,000 updates; no clear change in the last quarter.", True)
        assert (
            "evaluations on 256 held-out examples in the last quarter of training lie between" in asked["How sure?"][0]
        )

    def test_still_getting_better(self, tmp_path):
        found = verdict_of(write_run(tmp_path, {"kl_last": 0.4}, bounds=LEVELS, evaluations=FALLING))
        assert found.sentence.startswith("Better than chance.")
        assert found.caveats == ("It was still getting better when training ended; more --steps are likely to help.",)
        assert answers(tmp_path)["Trained enough?"][1] is False

    def test_getting_worse(self, tmp_path):
        values = [6.0, 3.0, 1.0, 0.5, 0.4, 0.4, 0.41, 0.4, 0.4, 0.9, 1.1, 1.2]
        found = verdict_of(write_run(tmp_path, {"kl_last": 1.2}, bounds=LEVELS, evaluations=values))
        assert "It was getting worse" in found.caveats[0]

    @pytest.mark.parametrize(
        ("value", "words"),
        [(5.0, "Better than chance."), (5.8, "Not clearly better than chance."), (6.1, "No better than chance."),
         (7.0, "Worse than chance.")],
    )  # fmt: skip
    def test_beside_chance_from_one_evaluation(self, tmp_path, value, words):
        sentence = verdict_of(write_run(tmp_path, {"kl_last": value}, bounds=LEVELS)).sentence
        assert sentence.startswith(words)

    def test_chance_within_the_evaluations_is_no_difference(self, tmp_path):
        values = [6.2, 6.1, 6.0, 5.0, 6.3, 5.2, 6.1, 5.1, 6.2, 5.0, 6.4, 5.2]
        folder = write_run(tmp_path, {"kl_last": 5.2}, bounds=LEVELS, evaluations=values)
        assert verdict_of(folder).sentence.startswith("Not clearly better than chance.")

    def test_baselines(self, tmp_path):
        metrics = {"frame_error": 0.2, "repeat_error": 0.4, "linear_error": 0.3}
        better = verdict_of(write_run(tmp_path / "a", metrics))
        assert better.sentence == (
            "Better than every baseline. "
            "Error of the next frame: 0.2 (the last frame again 0.4; linear regression 0.3)."
        )
        worse = verdict_of(write_run(tmp_path / "b", {**metrics, "frame_error": 0.35}))
        assert worse.sentence.startswith("Worse than linear regression.")
        alike = verdict_of(write_run(tmp_path / "c", {**metrics, "frame_error": 0.295}))
        assert alike.sentence.startswith("No clear difference from linear regression.")

    def test_a_proportion_has_the_interval_of_its_examples(self, tmp_path):
        bounds = {"accuracy": {"best": 1.0, "chance": 0.8}}
        few = write_run(tmp_path, {"accuracy": 0.84}, bounds=bounds)
        assert verdict_of(few).sentence.startswith("Not clearly better than chance.")  # 256 examples
        assert "95% interval 0.790 to 0.880" in answers(few)["How sure?"][0]

    def test_a_fitted_file_has_the_sentence_of_its_fit(self, tmp_path):
        folder = write_run(tmp_path, {"kl_last": 0.2}, bounds=LEVELS, updates=900)
        write_fit(folder, {"sentence": "Worth it: 0.1 against 0.2.", "why": [], "table": {}})
        found = verdict_of(folder)
        assert found.sentence == "Worth it: 0.1 against 0.2." and found.caveats == ()  # it has steps of its own
        assert (
            "Beats chance?" not in answers(folder)
            and "of the file" in answers(folder)["How sure?"][0]
            and "Trained enough?" in answers(folder)
        )

    def test_what_cannot_be_is_said(self, tmp_path):
        bounds = {"accuracy": {"best": 1.0, "chance": 0.5}}
        caveats = verdict_of(write_run(tmp_path / "a", {"accuracy": 1.2}, bounds=bounds)).caveats
        assert "measured wrongly" in caveats[0]
        assert verdict_of(write_run(tmp_path / "b", {"accuracy": 1.0}, bounds=bounds)).caveats == ()

    def test_nan_is_said(self, tmp_path):
        found = verdict_of(write_run(tmp_path, {"kl_last": None}, bounds=LEVELS))
        assert found.sentence == ("KL, last frame is no finite number (NaN or ∞): training or evaluation went wrong.")

    def test_fewer_updates_than_the_preset(self, tmp_path):
        folder = write_run(tmp_path, {"kl_last": 0.2}, bounds=LEVELS, evaluations=FLAT, updates=300, skipped=2)
        assert verdict_of(folder).caveats[0] == "Only 300 of the 6,000 updates of the preset were made."
        assert verdict_of(folder).caveats[-1] == "2 updates were left out, since they were not finite."

    def test_early_stopping_is_said(self, tmp_path):
        stopped = "kl_last was best after update 200 and got no better in 3 evaluations"
        folder = write_run(tmp_path, {"kl_last": 0.2}, bounds=LEVELS, evaluations=FLAT, updates=300, stopped=stopped)
        config = yaml.safe_load((folder / "config.yaml").read_text())
        config["all_options"]["patience"] = 3
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        found = verdict_of(folder).caveats
        assert found[0] == f"{stopped[:1].upper()}{stopped[1:]}." and "chosen among the evaluations" in found[1]

    def test_what_it_can_be_used_for(self, tmp_path):
        folder = write_run(tmp_path, {"kl_last": 0.2}, uses=["sample", "evaluate", "no such"])
        assert verdict_of(folder).commands == ("vestige sample RUN", "vestige evaluate RUN")
        assert "vestige sample RUN" in write_report(folder).read_text()

    def test_published_numbers_come_with_what_must_be_alike(self, tmp_path):
        published = {"metrics": {"DNC": {"kl_last": 0.8}, "NTM": {"negative_bound": 70.0}}}
        text = answers(write_run(tmp_path, {"kl_last": 0.2}, published=published))["As published?"][0]
        assert text.startswith("DNC 0.8. They compare where both have images of the same size")

    def test_nothing_was_evaluated_yet(self, tmp_path):
        write_run(tmp_path, {})
        (tmp_path / "results.json").unlink()
        assert verdict_of(tmp_path).sentence == ""
        assert "At a glance" not in write_report(tmp_path).read_text() or verdict_of(tmp_path).answers


def write_comparison(folder: Path, members: dict[str, list[float | None]], **more) -> Path:
    folder.mkdir(parents=True, exist_ok=True)

    def summary(values):
        known = sorted(value for value in values if value is not None)
        spread = {"median": known[len(known) // 2] if known else None, "low": known[0] if known else None}
        spread |= {"high": known[-1] if known else None, "values": values}
        return {"metrics": {"kl_last": spread}, "bounds": LEVELS, "parameters": 10, "updates": 100, **more}

    results = {"experiment": "perfect-recall", "vary": "memory", "members": {n: summary(v) for n, v in members.items()}}
    (folder / "results.json").write_text(json.dumps(results))
    return folder


class TestOfAComparison:
    def test_a_winner(self, tmp_path):
        folder = write_comparison(tmp_path, {"none": [5.0, 5.1, 5.2], "dnc": [0.3, 0.2, 0.4], "ntm": [1.0, 1.1, 1.2]})
        found = verdict_of(folder)
        assert found.sentence == (
            "dnc is ahead. KL, last frame, nats: dnc 0.3 (0.2 to 0.4); ntm 1.1 (1 to 1.2); none 5.1 (5 to 5.2)."
        )
        assert answers(folder)["By enough seeds?"] == (
            "Yes: 3 seeds of each; rank-sum test, one-sided, 5%, each against the best median.", True
        )  # fmt: skip

    def test_one_seed_makes_no_winner(self, tmp_path):
        found = verdict_of(write_comparison(tmp_path, {"none": [5.0], "dnc": [0.3]}))
        assert found.sentence.startswith("No winner: 3 seeds of each are needed.")

    def test_ranges_that_overlap_make_no_winner(self, tmp_path):
        found = verdict_of(write_comparison(tmp_path, {"none": [0.35, 0.5, 0.6], "dnc": [0.3, 0.2, 0.4]}))
        assert found.sentence.startswith("No winner: the seeds do not say which is better.")

    def test_two_of_three(self, tmp_path):
        folder = write_comparison(tmp_path, {"none": [5.0, 5.1, 5.2], "dnc": [0.3, 0.2, 0.4], "ntm": [0.35, 0.5, 0.6]})
        assert verdict_of(folder).sentence.startswith("dnc and ntm are ahead, and the seeds do not say which of them")
        assert answers(folder)["By enough seeds?"][0].startswith("In part: none is behind")

    def test_lost_seeds_and_worse_than_chance(self, tmp_path):
        folder = write_comparison(tmp_path, {"none": [7.0, 5.1, 5.2], "dnc": [0.3, None, 0.4]})
        assert "dnc: 1 of 2 seeds have no finite" not in verdict_of(folder).caveats
        assert "dnc: 1 of 3 seeds have no finite KL, last frame." in verdict_of(folder).caveats
        assert answers(folder)["Beats chance?"] == ("Not with every seed: none.", False)

    def test_different_data_do_not_compare(self, tmp_path):
        folder = write_comparison(tmp_path, {"a": [0.3, 0.2, 0.4], "b": [0.5, 0.6, 0.7]})
        results = json.loads((folder / "results.json").read_text())
        for name, length in (("a", 5), ("b", 10)):
            run = write_run(folder / name / "seed-0", {"kl_last": 0.2})
            config = yaml.safe_load((run / "config.yaml").read_text())
            config["all_options"] |= {"task": "perfect-recall", "task.l": length}
            (run / "config.yaml").write_text(yaml.safe_dump(config))
            results["members"][name]["runs"] = [f"{name}/seed-0"]
        (folder / "results.json").write_text(json.dumps(results))
        assert answers(folder)["The same data?"] == ("No: task.l differs.", False)
        assert any("different data" in caveat for caveat in verdict_of(folder).caveats)


class TestParts:
    def test_rank_sum_by_enumeration(self):
        generator = np.random.default_rng(0)
        for count, others in ((3, 3), (2, 5), (4, 6)):
            first, second = generator.normal(size=count).round(1), generator.normal(0.5, size=others).round(1)
            pooled = np.concatenate([first, second])
            ranks = np.array([np.mean(np.flatnonzero(np.sort(pooled) == value)) + 1 for value in pooled])
            found = ranks[:count].sum()
            sums = [sum(chosen) for chosen in itertools.combinations(ranks, count)]
            assert rank_sum(list(first), list(second)) == pytest.approx(np.mean([s <= found + 1e-9 for s in sums]))

    def test_rank_sum_of_many_beside_scipy(self):
        stats = pytest.importorskip("scipy.stats")
        generator = np.random.default_rng(1)
        first, second = generator.normal(size=20).round(1), generator.normal(0.4, size=25).round(1)
        expected = stats.mannwhitneyu(first, second, alternative="less", method="asymptotic").pvalue
        assert rank_sum(list(first), list(second)) == pytest.approx(expected, rel=1e-6)

    def test_three_against_three_must_not_overlap(self):
        assert clearly_less([1, 2, 3], [4, 5, 6])
        assert not clearly_less([1, 2, 4.5], [4, 5, 6])
        assert not clearly_less([1, 2], [4, 5])
        assert not clearly_less([1, 1, 1], [1, 1, 1])
        assert not clearly_less([], [1.0])

    def test_ranking_follows_the_direction(self):
        values = {"a": [1.0, 2.0, 3.0], "b": [7.0, 8.0, 9.0], "c": []}
        assert ranking(values, lower=True).winner == "a"
        assert ranking(values, lower=False).winner == "b"
        assert ranking({"a": [1.0, 2.0, 3.0]}, lower=True).winner is None
        assert ranking({}, lower=True).marked == ()

    def test_interval_holds_what_it_says(self):
        generator = np.random.default_rng(2)
        held = [low <= 0.3 <= high for low, high in (interval(k / 50, 50) for k in generator.binomial(50, 0.3, 2000))]
        assert 0.93 < np.mean(held) < 0.975
        assert interval(1.0, 10)[1] == 1.0 and interval(0.0, 10)[0] == 0.0

    def test_a_standing_turns_with_its_direction(self):
        for sign in (1.0, -1.0):
            standing = Standing(sign * 2.0, sign < 0, best=sign * 3.0, chance=0.0, baselines={"x": sign * 1.0})
            assert standing.beats_chance and standing.beats_baselines and standing.share == pytest.approx(2 / 3)

    def test_convergence_needs_evaluations(self):
        curve = {float(step): 1.0 for step in (1, 2, 3)}
        assert convergence(curve, lower=True) is None
        generator = np.random.default_rng(3)
        noisy = [dict(enumerate(generator.normal(1.0, 0.1, 40), 1)) for _ in range(40)]
        states = [convergence({float(at): value for at, value in curve.items()}, lower=True) for curve in noisy]
        assert sum(state is not None and state.gain > 0 for state in states) > 10
        assert sum(state is None or state.improving or state.worsening for state in states) <= 4  # a twentieth each way
        rising = convergence({float(i): float(i) for i in range(1, 41)}, lower=False)
        assert rising is not None and rising.improving
