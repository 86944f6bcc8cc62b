"""A table chooses direction and columns before it breaks a word."""

import io

import pytest
from rich.console import Console

from vestige.cli.grid import Grid, print_grid
from vestige.cli.hanging import hanging

NUMBERS = Grid(
    ["member", *(f"metric_{i}" for i in range(6)), "parameters"],
    [[f"member-{i}", *(f"{0.1 * j:.2f} (0.10-0.{i}{j})" for j in range(6)), "12,345,678"] for i in range(4)],
    "runs/a title of a few words",
    "median over seeds, lowest and highest",
)
PROSE = Grid(
    ["preset", "n", "about"],
    [["small", "5", "seconds on two cores of a processor"], ["paper", "10", "an hour on an accelerator"]],
    prose=frozenset({2}),
)


def printed(grid: Grid, width: int) -> list[str]:
    screen = io.StringIO()
    print_grid(grid, Console(file=screen, width=width, highlight=False))
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def words(grid: Grid) -> set[str]:
    texts = [*grid.headings[1:], *(cell for row in grid.rows for cell in row), grid.title, grid.caption]
    return {word for text in texts for word in text.split()}


@pytest.mark.parametrize("width", [24, 40, 60, 80, 120, 400])
@pytest.mark.parametrize("grid", [NUMBERS, PROSE], ids=["numbers", "prose"])
def test_no_word_is_broken_at_any_width(grid, width):
    lines = printed(grid, width)
    assert max(map(len, lines)) <= width
    found = {word for line in lines for word in line.replace(":", "").split()}
    assert words(grid) <= found


def test_a_wide_terminal_has_one_table_and_a_narrower_one_turns_it():
    row = lambda lines, name: next(line for line in lines if line.split()[:1] == [name])
    assert "0.50 (0.10-0.25)" in row(printed(NUMBERS, 400), "member-2")
    turned = printed(NUMBERS, 100)
    assert row(turned, "metric_5").count("0.50 (") == 4
    assert sum(line.split()[:1] == ["metric_5"] for line in turned) == 1
    divided = printed(NUMBERS, 40)
    assert sum(line.split()[:1] == ["metric_5"] for line in divided) > 1


def test_cells_of_several_lines_stay_so():
    lines = printed(Grid(["task", "a"], [["x", "1.5\n1-2"]]), 40)
    assert [line.split() for line in lines[-3:-1]] == [["x", "1.5"], ["1-2"]]


def test_rows_that_stand_out_are_bold():
    screen = io.StringIO()
    grid = Grid(["", "a"], [["this run", "1"], ["chance", "2"]], bold=frozenset({0}))
    print_grid(grid, Console(file=screen, width=40, force_terminal=True))
    bold = [line for line in screen.getvalue().splitlines() if "this run" in line or "chance" in line]
    assert "\x1b[1m" in bold[0] and "\x1b[1m" not in bold[1]


def test_names_have_their_text_beside_or_below_them():
    text = "words that are wrapped where there is no more room for them on one line"
    beside = hanging("  name", text, names=8, width=50).splitlines()
    assert beside[0].startswith("  name    words") and all(line.startswith(" " * 10) for line in beside[1:])
    below = hanging("  a-long-name", text, names=13, width=40).splitlines()
    assert below[0] == "  a-long-name" and all(line.startswith("    ") for line in below[1:])
    assert max(map(len, beside)) <= 50 and max(map(len, below)) <= 40


def test_a_row_that_holds_nothing_in_one_of_several_tables_is_left_out_there():
    rows = [["this run", "0.1", "0.2"], ["chance", "–", "5.9"], ["a long name, paper", "", "0.5"]]
    grid = Grid(["", "a_first_metric", "a_second_metric"], rows, bold=frozenset({0}), section=1)
    first = grid.only([1]).filled()
    assert [row[0] for row in first.rows] == ["this run"] and first.bold == {0} and first.section is None
    second = grid.only([2]).filled()
    assert len(second.rows) == 3 and second.section == 1
    shown = grid._replace(rows=[["chance", "–", "5.9"], ["this run", "0.1", "0.2"]], bold=frozenset({1})).only([1])
    assert shown.filled().bold == {0}
