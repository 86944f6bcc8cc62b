"""Numbers of the papers, to stand beside ours. Read off figures, so about ±0.3 nat (KL), ±0.6 (bound)."""

from collections.abc import Callable, Mapping

from vestige.experiments.entry import Published
from vestige.experiments.recall.options import Recall

_NOTE = (
    "28x28 images, about 1.9 million parameters, values read off the figure (±0.3 nat); whether they are for "
    "training or for test images is not stated. On other images compare the shape and kl_recall / kl_fresh."
)


def _recall(figure: str, start: int, table: dict[str, tuple[list[float], float, float]], fresh: float) -> Published:
    """`table`: model -> (KL of the recalled frames, last-frame KL at the end, negative bound per frame)."""
    return {
        "source": f"Gemici et al. 2017 (arXiv:1702.04649), {figure}",
        "note": _NOTE,
        "metrics": {
            model: {
                "kl_recall": round(sum(recall) / len(recall), 2),
                "kl_fresh": fresh,
                "kl_last": last,
                "negative_bound": bound,
            }
            for model, (recall, last, bound) in table.items()
        },
        "curves": {
            "kl_per_frame": {
                model: {str(start + i): value for i, value in enumerate(recall)}
                for model, (recall, _, _) in table.items()
            }
        },
    }


PERFECT_RECALL = {
    10: _recall(
        "figure 4 (l = 10, k = 5)",
        10,
        {
            "VRNN": ([8.5, 7.1, 7.0, 7.6, 7.6], 8.2, 83.0),
            "NTM": ([1.9, 1.4, 0.7, 0.6, 0.5], 0.5, 78.4),
            "LRU": ([9.8, 6.3, 7.1, 7.4, 6.9], 5.5, 81.1),
            "Introspective": ([1.2, 0.0, 0.0, 0.0, 0.0], 0.0, 76.2),
            "DNC": ([2.6, 2.4, 2.2, 2.4, 2.5], 0.8, 77.9),
        },
        22.3,
    ),
    20: _recall(
        "figure 4 (l = 20, k = 5)",
        20,
        {
            "VRNN": ([21.4, 20.3, 19.7, 19.5, 19.3], 19.5, 88.8),
            "NTM": ([12.1, 7.5, 6.5, 4.7, 3.7], 4.7, 85.0),
            "LRU": ([19.3, 17.2, 16.3, 16.8, 16.6], 17.2, 87.7),
            "Introspective": ([1.4, 0.0, 0.0, 0.0, 0.0], 0.06, 82.2),
            "DNC": ([7.8, 7.8, 6.3, 5.5, 4.2], 2.9, 84.4),
        },
        22.3,
    ),
    50: _recall(
        "figure 4 (l = 50, k = 5)",
        50,
        {
            "VRNN": ([22.4, 22.0, 21.9, 22.4, 22.3], 22.5, 88.5),
            "NTM": ([18.8, 15.7, 12.0, 12.0, 10.8], 9.6, 87.2),
            "LRU": ([22.2, 21.9, 21.5, 21.7, 22.0], 21.6, 88.3),
            "Introspective": ([3.2, 2.4, 2.4, 2.2, 2.2], 2.3, 86.6),
            "DNC": ([17.5, 16.6, 16.3, 16.3, 16.3], 18.0, 87.2),
        },
        22.3,
    ),
}
PERFECT_RECALL[10]["curves"]["kl_last"] = {
    "Introspective": {"50000": 0.6, "200000": 0.1},
    "VRNN": {"100000": 22.0, "500000": 13.0, "1000000": 8.2},
    "NTM": {"100000": 6.0, "1000000": 0.5},
}

ONE_SHOT_RECALL = {
    20: _recall(
        "figure 8 (Omniglot, l = 20, k = 5, novel characters)",
        20,
        {
            "VRNN": ([29.6, 28.2, 27.1, 27.3, 27.3], 27.0, 88.3),
            "NTM": ([19.6, 9.6, 11.2, 12.0, 7.1], 8.0, 82.2),
            "LRU": ([20.8, 18.9, 18.1, 17.9, 17.9], 17.2, 84.2),
            "Introspective": ([2.0, 0.0, 0.0, 0.0, 0.0], 0.0, 80.9),
            "DNC": ([7.2, 5.4, 3.6, 2.4, 2.3], 1.1, 81.7),
        },
        31.0,
    )
}
ONE_SHOT_RECALL[20]["curves"]["kl_last"] = {"Introspective": {"200000": 0.4, "1000000": 0.0}}


def by_length(numbers: Mapping[int, Published]) -> Callable[[Recall], Published]:
    """The numbers that belong to some options: those for as many frames before recall."""
    return lambda options: numbers.get(options.task.l, {})
