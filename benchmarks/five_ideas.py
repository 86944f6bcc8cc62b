"""The pictures of docs/explanation/five-ideas.md: python benchmarks/five_ideas.py."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

FOLDER = Path(__file__).parent.parent / "docs" / "explanation"
BLUE, ORANGE, GREY = "#1f77b4", "#d95f02", "#8a8a8a"


def canvas(width, height):
    figure, axis = plt.subplots(figsize=(7.5, 7.5 * height / width))
    axis.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    axis.axis("off")
    return figure, axis


def box(axis, x, y, text, color="white", width=0.8, height=0.6):
    axis.add_patch(plt.Rectangle((x - width / 2, y - height / 2), width, height, facecolor=color, edgecolor="black"))
    axis.text(x, y, text, ha="center", va="center", fontsize=9)


def arrow(axis, start, end, color="black", bend=0.0, style="-"):
    shape = {"arrowstyle": "-|>", "color": color, "connectionstyle": f"arc3,rad={bend}", "linestyle": style}
    axis.annotate("", end, start, arrowprops={**shape, "shrinkA": 0, "shrinkB": 0})


def memory():
    """Latents are stored; the prior of a frame reads one of them."""
    figure, axis = canvas(10, 3)
    for t, name in enumerate(["A", "B", "C", "D", "A", "B"]):
        x = 1 + 1.6 * t
        new = t < 4
        box(axis, x, 0.6, f"frame {name}", "white" if new else "#cfe3f3", 1.2)
        axis.text(
            x,
            0.1,
            "new: nats" if new else "known: ~0",
            ha="center",
            fontsize=8,
            color=ORANGE if new else BLUE,
        )
        if new:
            box(axis, x, 2.2, f"z({name})", "#f3e3cf")
            arrow(axis, (x, 0.9), (x, 1.9))
    for t in (4, 5):
        arrow(axis, (1 + 1.6 * (t - 4), 2.5), (1 + 1.6 * t, 0.9), BLUE, -0.35)
    axis.text(8.2, 2.6, "read", color=BLUE, fontsize=9)
    return figure


def distant_outcomes():
    """Rollouts are short; each is queried about an uncertain step far ahead."""
    figure, axis = canvas(10, 2.6)
    for step in range(24):
        color = ORANGE if step == 1 else BLUE if step == 22 else "white"
        axis.add_patch(plt.Circle((0.5 + 0.39 * step, 0.9), 0.14, facecolor=color, edgecolor="black"))
    axis.text(0.9, 0.45, "cue", ha="center", fontsize=9, color=ORANGE)
    axis.text(0.5 + 0.39 * 22, 0.45, "uncertain outcome", ha="center", fontsize=9, color=BLUE)
    for rollout in range(5):
        left = 0.3 + 0.39 * 4 * rollout
        axis.plot([left, left + 1.45], [1.25, 1.25], color="black")
        arrow(axis, (left + 1.45, 1.3), (0.5 + 0.39 * 22, 1.1), BLUE, -0.25)
    axis.text(
        0.3,
        0.05,
        "the gradient of each rollout crosses its own four steps and one prediction, never the gap",
        fontsize=9,
    )
    return figure


def structures():
    """A race of exponential clocks: its winners are the trace, the tree its value."""
    figure, axis = canvas(10, 3)
    places = np.array([[0.8, 0.6], [2.0, 2.3], [3.2, 0.8], [4.2, 2.2]])
    for i in range(4):
        for j in range(i):
            axis.plot(*places[[i, j]].T, color="0.8")
    for place, (i, j) in enumerate([(1, 3), (0, 1), (2, 3)], 1):
        axis.plot(*places[[i, j]].T, color=BLUE, linewidth=2)
        axis.text(*(places[[i, j]].mean(axis=0) + 0.1), str(place), color=BLUE, fontsize=11)
    axis.plot(*places.T, "o", color="black", markersize=9)
    lines = [
        "every edge has a clock, Exp(λ)",
        "the first to ring wins; edges that close a loop drop out",
        "winners 1, 2, 3 are the trace T",
        "log p(T) is a sum of three terms",
        "so its gradient is exact in the mean",
    ]
    for row, line in enumerate(lines):
        axis.text(5.1, 2.5 - 0.5 * row, line, fontsize=9.5, va="center")
    return figure


def local_rules():
    """Each step is fitted by itself; gradients point down, never back."""
    figure, axis = canvas(10, 2.6)
    for t in range(5):
        x = 1.2 + 1.9 * t
        box(axis, x, 1.7, f"state {t + 1}", "#cfe3f3", 1.1)
        box(axis, x, 0.5, f"obs. {t + 1}", "white", 1.1)
        arrow(axis, (x, 0.8), (x, 1.4))
        if t < 4:
            arrow(axis, (x + 0.55, 1.7), (x + 1.35, 1.7))
            axis.plot([x + 0.95] * 2, [1.45, 2.2], color=ORANGE, linewidth=2)
    axis.text(
        5, 2.4, "the last state is data: no gradient crosses an orange bar", ha="center", fontsize=9.5, color=ORANGE
    )
    return figure


def both_ways():
    """One matrix a layer, upward and transposed downward."""
    figure, axis = canvas(10, 3)
    for level, (name, width) in enumerate(
        [("image, 64 bits", 3.2), ("100 bits", 2.6), ("50 bits", 2.0), ("class", 1.2)]
    ):
        box(axis, 5, 0.4 + 0.72 * level, name, "white", width, 0.38)
        if level < 3:
            y = 0.6 + 0.72 * level
            arrow(axis, (4.6, y), (4.6, y + 0.33), BLUE)
            arrow(axis, (5.4, y + 0.33), (5.4, y), ORANGE)
            axis.text(5, y + 0.16, f"W{level + 1}", ha="center", va="center", fontsize=8)
    axis.text(2.2, 1.5, "upward: recognise\nwith W", ha="center", color=BLUE, fontsize=10)
    axis.text(7.9, 1.5, "downward: generate\nwith W transposed", ha="center", color=ORANGE, fontsize=10)
    return figure


def main():
    matplotlib.rcParams.update({"svg.hashsalt": "vestige", "svg.fonttype": "none"})
    FOLDER.mkdir(exist_ok=True)
    for draw in (memory, distant_outcomes, structures, local_rules, both_ways):
        figure = draw()
        figure.savefig(FOLDER / f"{draw.__name__.replace('_', '-')}.svg", metadata={"Date": None}, bbox_inches="tight")
        plt.close(figure)


if __name__ == "__main__":
    main()
