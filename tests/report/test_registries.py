"""Metrics and sections that a plugin adds."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vestige.errors import UsageError
from vestige.registries import register
from vestige.report import comparison_table, results_table, write_report
from vestige.report.metric_facts import Metric
from vestige.report.metrics import METRICS, MetricRegistry, lower_is_better, metric, ordered, shared_unit
from vestige.report.plot import SMALL, Plot, svg
from vestige.report.sections import SECTIONS, AbstractSection, FigureSection
from vestige.report.write import need_folder

Reader = Callable[[Path], Any]
BRANCHING = Metric("branching", "Branching", "As many choices as hard.", "lower", "choices")


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    """Whatever a test registers is gone after it."""
    for known in (METRICS, SECTIONS):
        monkeypatch.setattr(known, "_parts", dict(known))
        monkeypatch.setattr(known, "_origins", {})


def test_reading_them_needs_neither_jax_nor_what_draws_pages():
    code = "import sys, vestige.report.metrics, vestige.report.sections\n"
    code += "found = {'jax', 'numpy', 'matplotlib', 'jinja2'} & {*sys.modules}\nassert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True)


def without_type_checker(code: str) -> str:
    """The error of an expression in a process in which types are not checked."""
    program = "from vestige.report.metric_facts import Metric\nfrom vestige.report.sections import _body\n" + code
    found = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    return found.stderr.strip().splitlines()[-1]


class TestMetrics:
    def test_a_plugin_adds_one(self, run_folder):
        assert (metric("branching").explanation, lower_is_better("branching")) == ("", None)
        register("metric", "branching", BRANCHING)
        assert metric("branching") is BRANCHING and lower_is_better("branching") is True
        assert shared_unit(["branching"]) == "choices"
        assert ordered(["other", "branching", "kl_last"]) == ["kl_last", "branching", "other"]
        assert METRICS.origin("branching") and METRICS.origin("kl_last") == ""

    def test_it_is_explained_in_the_table(self, run_folder, monkeypatch):
        (run_folder / "results.json").write_text('{"metrics": {"branching": 3.0}}')
        register("metric", "branching", BRANCHING)
        assert [(row.label, row.explanation) for row in results_table(run_folder)] == [
            ("Branching", "As many choices as hard.")
        ]

    def test_a_baseline_is_never_the_best(self, comparison_folder):
        assert any(row.metrics["kl_last"].best for row in comparison_table(comparison_folder))
        METRICS._parts["kl_last"] = dataclasses.replace(METRICS["kl_last"], role="baseline")
        assert not any(row.metrics["kl_last"].best for row in comparison_table(comparison_folder))
        assert lower_is_better("kl_last", {"best": 0.0, "chance": 1.0}) is None

    @pytest.mark.parametrize(
        ("name", "part", "message"),
        [
            ("confusion", BRANCHING, "the metric is called 'branching'; register it by that name"),
            ("kl_last", METRICS["kl_last"], "the name is taken by vestige"),
            ("branching", "lower", "expected an instance of vestige.report.metric_facts.Metric, got str"),
        ],
    )
    def test_what_is_no_new_metric_is_refused(self, name, part, message):
        with pytest.raises(UsageError, match=message):
            register("metric", name, part)

    def test_what_makes_no_sense_is_refused(self):
        assert without_type_checker("Metric('m', 'M', '', direction='down')") == (
            "ValueError: metric m: direction must be 'lower', 'higher' or None, got 'down'"
        )
        assert without_type_checker("Metric('m', 'M', '', role='bound')") == (
            "ValueError: metric m: role must be one of result, baseline, constant, diagnostic, cost, got 'bound'"
        )

    def test_every_one_is_explained_once(self):
        assert isinstance(METRICS, MetricRegistry) and len(METRICS) > 60
        assert all(name == known.name and known.label for name, known in METRICS.items())
        theirs = {name: known for name, known in METRICS.items() if known.role in ("baseline", "constant")}
        assert all(known.lower_is_better is None and known.direction is None for known in theirs.values())
        assert (theirs["repeat_error"].role, theirs["kalman_mse"].role) == ("baseline", "constant")
        assert all(METRICS[known.of].role == "result" and known.who for known in theirs.values() if known.of)

    def test_a_baseline_says_whose_value_of_what_it_is(self):
        for options in ("of='mse'", "of='mse', role='baseline'", "of='mse', who='the mean'"):
            assert "only a baseline or a constant is a value of another metric ('mse')" in without_type_checker(
                f"Metric('m', 'M', '', {options})"
            )


class Words(AbstractSection):
    """HTML of its own, from the configuration."""

    title = "In <words>"

    def content(self, run):
        return f"<p>seed {run.config['seed']}, {len(run.lines) > 0}</p>"


class Drawn(AbstractSection):
    """A figure."""

    title = "Drawn"

    def content(self, run):
        drawing = svg("plugin", "A line.", lambda axes: axes.plot([0, 1], [0, 1]), SMALL)
        return [Plot(drawing, "A caption of its own.", title="A line")]


class Empty(AbstractSection):
    """It does not apply."""

    title = "Empty"

    def content(self, run):
        return ""


class Broken(AbstractSection):
    """It fails."""

    title = "Broken"

    def content(self, run):
        return [1 / len(run.config["nowhere"])]


class TestSections:
    def test_those_of_a_plugin_come_after_ours(self, run_folder: Path, read_page: Reader):
        register("section", "told", Words)
        register("section", "drawn", Drawn())
        register("section", "empty", Empty)
        page = read_page(write_report(run_folder))
        sections = [attributes["id"] for attributes in page.attributes("section")]
        assert sections == [
            "glance",
            "frames",
            "results",
            "training",
            "pictures",
            "memory",
            "plugin-told",
            "plugin-drawn",
            "made",
        ]
        assert "In <words> seed 0, True" in page.text and "A caption of its own." in page.text
        assert page.outside == []

    def test_one_that_fails_is_a_note_and_the_page_is_made(self, run_folder: Path, read_page: Reader):
        register("section", "new", Broken)
        page = read_page(write_report(run_folder))
        message = f"The section 'new' of {__name__} could not be made: KeyError: 'nowhere'"
        assert message in page.text
        assert "plugin-new" not in page.ids and "memory" in page.ids

    def test_what_is_no_figure_is_named(self):
        message = "TypeError: a section returns HTML, or figures that are Plot or ImageGrid; got int"
        assert without_type_checker("_body([3])") == message

    def test_one_of_ours_that_fails_is_no_note(self, run_folder: Path):
        SECTIONS._parts["broken"] = Broken()
        with pytest.raises(KeyError, match="nowhere"):
            write_report(need_folder(run_folder))

    def test_one_without_a_title_is_refused(self):
        class Nameless(AbstractSection):
            def content(self, run):
                return ""

        with pytest.raises(UsageError, match="Nameless lacks title; define them"):
            register("section", "nameless", Nameless)

    def test_the_order_is_that_of_the_registry(self, run_folder: Path, read_page: Reader, monkeypatch):
        turned = dict(reversed(list(SECTIONS.items())))
        monkeypatch.setattr(SECTIONS, "_parts", turned)
        page = read_page(write_report(run_folder))
        sections = [attributes["id"] for attributes in page.attributes("section")]
        assert sections == ["glance", "memory", "results", "pictures", "training", "frames", "made"]

    def test_wide_figures_come_first_and_the_others_side_by_side(self, run_folder: Path, read_page: Reader):
        drawing = svg("f", "A line.", lambda axes: axes.plot([0, 1], [0, 1]), SMALL)
        figures = [Plot(drawing, "narrow", title="n"), Plot(drawing, "wide", wide=drawing, title="w")]
        SECTIONS._parts["both"] = FigureSection("Both", lambda run: figures)
        source = read_page(write_report(run_folder)).source.split('id="both"')[1]
        assert source.index(">wide<") < source.index('class="grid"') < source.index(">narrow<")
