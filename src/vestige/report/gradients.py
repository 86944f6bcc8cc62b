"""The picture and the page of a comparison of gradient estimators."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vestige import gate
from vestige.report.files import replace_text
from vestige.report.gradients_verdict import gradients_verdict
from vestige.report.numbers import MISSING
from vestige.report.templates import render

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURE, PAGE, RESULTS = "gradients.png", "report.html", "results.json"
HEADINGS = ("estimator", "bias", "error", "variance", "cosine", "ms", "compile s", "temp KiB")
PICTURE_BYTES = 2**26
INK, UNBIASED, BIASED = "#333333", "#2a6f97", "#c1121f"


def figures(quality: dict[str, Any]) -> tuple[str, ...]:
    """The numbers of one estimator, as they stand below `HEADINGS`."""
    temporary = quality["temporary_bytes"]
    return (
        three(quality["bias"]),
        three(quality["bias_error"]),
        three(quality["variance"]),
        f"{quality['cosine']:.3f}".replace("-", "−"),
        three(quality["milliseconds"]),
        f"{quality['compile_seconds']:.1f}",
        MISSING if temporary is None else three(temporary / quality["batch"] / 1024),
    )


def three(value: float) -> str:
    """About three digits in at most seven letters."""
    if value >= 1e5 or 0 < value < 5e-5:
        return f"{value:.0e}"
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 4}f}"


def explained(results: dict[str, Any]) -> list[str]:
    """What the columns mean and what the numbers rest on."""
    options = results["options"]
    lines = [
        f"Reference: {results['reference']['words']}; its norm is {three(results['reference']['norm'])}.",
        f"bias: norm of the mean of {options['samples']:,} estimates less the reference; error: what chance alone "
        "makes of it, so that a bias of about one error is none.",
        "variance: of one estimate, all coordinates; cosine: one estimate with the reference; "
        f"ms, temp: for one of a batch of {next(iter(results['estimators'].values()))['batch']:,}. "
        f"{options['draws']} evaluations of the objective each.",
    ]
    if any(quality["trained"] for quality in results["estimators"].values()):
        lines.append(f"Critics trained first: {options['critic_steps']} steps, not in the times: {_trained(results)}.")
    if any(quality["biased"] for quality in results["estimators"].values()):
        lines.append("biased-…: not unbiased by construction, for comparison.")
    if results["left_out"]:
        lines.append(f"Not defined for {results['structure']}, left out: {', '.join(results['left_out'])}.")
    return lines


def _trained(results: dict[str, Any]) -> str:
    return ", ".join(name for name, quality in results["estimators"].items() if quality["trained"])


def draw_gradients(results: dict[str, Any], path: Path) -> Path:
    """Draw bias with error bars beside variance on a logarithmic axis, an estimator a line, on white.

    **Arguments:**

    - `results`: of `vestige gradients`.
    - `path`: of the picture.

    **Returns:** `path`.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names, qualities = list(results["estimators"]), list(results["estimators"].values())
    style: Any = {
        "font.family": ["DejaVu Sans"],
        "font.size": 10,
        "axes.edgecolor": "#bbbbbb",
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "ytick.major.size": 0,
        "text.usetex": False,
        "path.sketch": None,
    }
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(9.0, 1.5 + 0.32 * len(names)), dpi=110, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, sharey=True)
        _bias(left, qualities)
        _variance(right, qualities)
        left.set_yticks(range(len(names)), names)
        left.set_ylim(len(names) - 0.5, -0.5)
        for axes in (left, right):
            axes.spines[["top", "right", "left"]].set_visible(False)
            axes.grid(axis="both", color="#e6e6e6", linewidth=0.8)
            axes.set_axisbelow(True)
        figure.suptitle(results["title"], x=0.01, ha="left", fontsize=11)
        figure.savefig(path, metadata={"Software": None})
    return path


def _colours(qualities: list[dict[str, Any]]) -> list[str]:
    return [BIASED if quality["biased"] else UNBIASED for quality in qualities]


def _bias(axes: "Axes", qualities: list[dict[str, Any]]) -> None:
    axes.axvline(0.0, color="#888888", linewidth=1)
    for place, (quality, colour) in enumerate(zip(qualities, _colours(qualities), strict=True)):
        bias, reach = quality["bias"], 2 * quality["bias_error"]
        axes.errorbar(bias, place, xerr=[[min(bias, reach)], [reach]], fmt="o", color=colour, capsize=3, markersize=5)
    axes.set_xlabel("bias, ± 2 errors (red: biased by construction)")


def _variance(axes: "Axes", qualities: list[dict[str, Any]]) -> None:
    seen = [(place, q["variance"]) for place, q in enumerate(qualities) if q["variance"] > 0]
    colours = _colours(qualities)
    axes.set_xscale("log")
    if seen:
        axes.scatter([v for _, v in seen], [p for p, _ in seen], color=[colours[p] for p, _ in seen], s=28)
    axes.set_xlabel("variance of one estimate")


def write_gradients(results: dict[str, Any], folder: Path) -> Path:
    """Write the page around the picture, which must be in the folder.

    **Arguments:**

    - `results`: of `vestige gradients`.
    - `folder`: of the picture and the page.

    **Returns:** the path of the page.

    **Raises:** `RunError` where that fails.
    """
    picture = base64.b64encode(gate.read_bytes(folder / PICTURE, limit=PICTURE_BYTES)).decode()
    page = render(
        "gradients.html",
        title=results["title"],
        verdict=gradients_verdict(results),
        sentence=f"What each estimator of the gradient is worth at one point, for {results['structure']}.",
        headings=HEADINGS,
        rows=[(name, figures(quality)) for name, quality in results["estimators"].items()],
        explained=explained(results),
        picture=f"data:image/png;base64,{picture}",
        command=results["command"],
        facts=[("Device", results["device"])],
        versions=list(results["versions"].items()),
        options=list(results["options"].items()),
        files=[RESULTS, PICTURE],
        notes=[],
    )
    return replace_text(folder / PAGE, page)
