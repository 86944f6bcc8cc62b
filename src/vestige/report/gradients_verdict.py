"""The verdict on a comparison of gradient estimators."""

from collections.abc import Mapping
from typing import Any

from vestige.report.answers import Answer, Verdict
from vestige.report.numbers import format_number

SURPRISING = 4.0  # standard errors of a bias, beyond which chance does not explain it
ROUNDING = 1e-5


def gradients_verdict(results: Mapping[str, Any]) -> Verdict:
    """Which unbiased estimator varies least, which is worth most for its time, and whether any bias is seen.

    **Arguments:**

    - `results`: of `vestige gradients`.
    """
    unbiased = {name: quality for name, quality in results["estimators"].items() if not quality["biased"]}
    exact = [name for name, quality in unbiased.items() if quality["variance"] <= 0]
    varying = {name: quality for name, quality in unbiased.items() if quality["variance"] > 0}
    if not unbiased:
        return Verdict("No unbiased estimator was measured.")
    order = sorted(varying, key=lambda name: varying[name]["variance"])
    worth = sorted(varying, key=lambda name: varying[name]["variance"] * varying[name]["milliseconds"])
    answers = []
    if order:
        first, *others = order
        shown = f"{first} {format_number(varying[first]['variance'])}"
        shown += f"; next {others[0]} {format_number(varying[others[0]]['variance'])}" if others else ""
        sentence = f"Of the unbiased estimators {first} varies least. Variance of one estimate: {shown}."
        sentence += f" For its time {worth[0]} is worth most." if worth[0] != first else ""
        answers.append(Answer("Least variance?", f"{shown}."))
        cost = varying[worth[0]]["variance"] * varying[worth[0]]["milliseconds"]
        product = f"{worth[0]}: variance times milliseconds is {format_number(cost)}"
        product += f"; of {first} {format_number(varying[first]['variance'] * varying[first]['milliseconds'])}" * (
            worth[0] != first
        )
        answers.append(Answer("Worth its time?", f"{product}. Times were measured once, and vary."))
    else:
        sentence = f"Without any variance: {', '.join(exact)}."
    if exact and order:
        answers.append(Answer("Exact?", f"{', '.join(exact)}."))
    odd = [
        name for name, quality in unbiased.items() if quality["bias"] > SURPRISING * quality["bias_error"] + ROUNDING
    ]
    known = f"No: every bias is within {SURPRISING:g} errors of chance." if not odd else f"Seen: {', '.join(odd)}."
    answers.append(Answer("Any bias?", known, not odd))
    caveats = [f"{name} is unbiased by construction and looks biased: a fault, or chance." for name in odd]
    return Verdict(sentence, tuple(caveats), tuple(answers))
