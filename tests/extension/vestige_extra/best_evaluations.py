"""A section of a run's page: a table of the best evaluation of every metric."""

from html import escape

import vestige
from vestige.report.metrics import lower_is_better, metric
from vestige.report.sections import AbstractSection


class BestEvaluations(AbstractSection):
    """For each metric that has a better direction: its best value while the model learned, and the update."""

    title = "Best evaluations"

    def content(self, run):
        rows = []
        for name in run.metrics:
            lower, curve = lower_is_better(name, run.bounds.get(name)), run.curve("evaluate", name)
            if lower is None or not curve:
                continue
            step = (min if lower else max)(curve, key=lambda at: curve[at])
            label = escape(metric(name).label)
            rows.append(f"<tr><td>{label}</td><td>{curve[step]:.4g}</td><td>{step:,.0f}</td></tr>")
        heading = "<tr><th>metric</th><th>best</th><th>at update</th></tr>"
        return f"<table>{heading}{''.join(rows)}</table>" if rows else ""


vestige.register("section", "best-evaluations", BestEvaluations)
