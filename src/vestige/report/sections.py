"""The sections of a run's page, in the order in which they are shown; importing it is cheap."""

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vestige.registries import Registry, registry
from vestige.report.arrays import newest_first
from vestige.report.both_ways import agreement, made
from vestige.report.example import example
from vestige.report.explained import explained
from vestige.report.filtering import filtering
from vestige.report.graphs import graphs
from vestige.report.heat import frequencies
from vestige.report.inside import attention, gates
from vestige.report.maps import walk
from vestige.report.orders import orders
from vestige.report.over_training import over_training
from vestige.report.per_frame import per_frame
from vestige.report.pictures import ImageGrid
from vestige.report.plot import Plot
from vestige.report.reach import reach
from vestige.report.run import Run
from vestige.report.run_pictures import pictures
from vestige.report.templates import render
from vestige.report.texts import explained_texts, parses
from vestige.report.tracks import tracks

if TYPE_CHECKING:
    from markupsafe import Markup

Figure = Plot | ImageGrid


class AbstractSection(abc.ABC):
    """A section of a run's page, between its results and how it was made."""

    @property
    @abc.abstractmethod
    def title(self) -> str:
        """Its heading, as plain text."""

    @abc.abstractmethod
    def content(self, run: Run) -> str | Sequence[Figure]:
        """What it shows of a run; nothing where it does not apply, and then it is left out.

        **Arguments:**

        - `run`: what the files of the folder hold: configuration, lines of the log, results, arrays. The results of a
          run that still goes on are None.

        **Returns:** figures, of which the wide ones come first and the others stand side by side, or HTML, which is
        put in as it is: escape text that comes from the run (`html.escape`).
        """


class FigureSection(AbstractSection):
    """A section of figures alone.

    **Arguments:**

    - `title`: its heading.
    - `figures`: makes them from a run; none where it does not apply.
    """

    def __init__(self, title: str, figures: Callable[[Run], Sequence[Figure]]):
        self._title, self._figures = title, figures

    @property
    def title(self) -> str:
        return self._title

    def content(self, run: Run) -> Sequence[Figure]:
        return self._figures(run)


class MapSection(AbstractSection):
    """The first walk over a map, and what each place on it looked like."""

    title = "The map"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    def content(self, run: Run) -> str:
        found = walk(run)
        return render("map.html", walk=found) if found else ""


class MemorySection(AbstractSection):
    """Where the memory was read and written, on average and in one sequence."""

    title = "Inside the memory"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    def content(self, run: Run) -> str:
        shown = {
            "attention": attention(run),
            "gates": gates(run),
            "explained": explained(run),
            "example": example(run),
        }
        return render("memory.html", newest_first=newest_first(run), **shown) if any(shown.values()) else ""


class ParseSection(AbstractSection):
    """Arcs over the words of a few texts."""

    title = "Parses"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    def content(self, run: Run) -> str:
        found = parses(run)
        return render("parses.html", parses=found) if found else ""


class OrderSection(AbstractSection):
    """The order in which the tokens of a few texts are generated."""

    title = "The order of generation"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    def content(self, run: Run) -> str:
        found = orders(run)
        return render("orders.html", orders=found) if found else ""


class ReadWordsSection(AbstractSection):
    """The words that are read, in a few texts."""

    title = "The words that it reads"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    def content(self, run: Run) -> str:
        found = explained_texts(run)
        return render("explained_texts.html", texts=found) if found else ""


SECTIONS: Registry[AbstractSection] = Registry(
    "section",
    AbstractSection,
    {
        "frames": FigureSection("Frame by frame", per_frame),
        "training": FigureSection("While it learned", over_training),
        "reach": FigureSection("How far it reaches", reach),
        "filtering": FigureSection("What it makes of what it sees", filtering),
        "frequencies": FigureSection("Draws", frequencies),
        "graphs": FigureSection("The graphs behind it", graphs),
        "tracks": FigureSection("The tracks that it follows", tracks),
        "pictures": FigureSection("Pictures", pictures),
        "agreement": FigureSection("Whether it can be believed", agreement),
        "down": FigureSection("Up and down the same layers", made),
        "map": MapSection(),
        "parses": ParseSection(),
        "orders": OrderSection(),
        "words": ReadWordsSection(),
        "memory": MemorySection(),
    },
)
"""By name; a section of a plugin comes after these."""


@dataclass(frozen=True)
class ShownSection:
    """A section that applies to a run."""

    name: str
    """Its anchor on the page."""
    title: str
    body: "Markup"


def shown_sections(run: Run) -> tuple[list[ShownSection], list[str]]:
    """The sections that apply to a run, in the order of the registry, and a note for each of a plugin that failed."""
    from markupsafe import Markup

    known = registry("section")
    shown: list[ShownSection] = []
    notes: list[str] = []
    for name, section in known.items():
        origin = known.origin(name)
        try:
            body = _body(section.content(run))
        except Exception as error:
            if not origin:
                raise
            notes.append(f"The section '{name}' of {origin} could not be made: {type(error).__name__}: {error}")
            continue
        if body:
            anchor = f"plugin-{name}" if origin else name
            shown.append(ShownSection(anchor, section.title, Markup(body)))
    return shown, notes


def _body(content: str | Sequence[Figure]) -> str:
    if isinstance(content, str):
        return content
    plots = [figure for figure in content if isinstance(figure, Plot)]
    grids = [figure for figure in content if isinstance(figure, ImageGrid)]
    if len(plots) + len(grids) < len(content):
        odd = next(figure for figure in content if not isinstance(figure, Plot | ImageGrid))
        raise TypeError(f"a section returns HTML, or figures that are Plot or ImageGrid; got {type(odd).__name__}")
    return render("figures.html", plots=plots, grids=grids) if content else ""
