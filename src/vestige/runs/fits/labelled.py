"""Tables of examples with a class each, which is predicted from the other columns."""

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from vestige.data.labelled_rows import grey_range, label_of, row_schema, table_of
from vestige.data.tables import Schema
from vestige.errors import UsageError, listed, shown
from vestige.runs.fits.baselines_of_rows import rows_compared, sentence_of
from vestige.runs.fits.contract import AbstractFitStrategy, Comparison, FitPlan, FitRequest, Note
from vestige.runs.fits.labelled_plan import planned
from vestige.tasks.tied.rows import LabelledTable
from vestige.tasks.tied.table_specs import LabelledTableSpec

if TYPE_CHECKING:
    from vestige.runs.restoring import Restored


class LabelledFit(AbstractFitStrategy):
    """A recognition and a generation network, classes on top."""

    kind: ClassVar[str] = "labelled"
    entry: ClassVar[str] = "labelled"
    preset: ClassVar[str] = "small"

    def suits(self, request: FitRequest) -> bool:
        if request.time is not None or request.document is not None:
            return False
        schema = self._schema(request)
        found = label_of(schema, None)
        named = request.outcomes is None or (found is not None and request.outcomes == found.name)
        return schema.time is None and schema.document is None and found is not None and named

    def planned(self, request: FitRequest, *, note: Note) -> FitPlan:
        if any(said is not None for said in (request.season, request.horizon, request.time, request.document)):
            raise UsageError(
                f"{request.source}: examples with a class have no time, season or document; leave --time, --season, "
                "--horizon and --document out, or take --as recordings"
            )
        outcome = request.outcomes
        table = table_of(request.source, request.reading)
        schema, label, notes = row_schema(
            table, inputs=request.inputs, outcome=outcome, ignored=request.ignored, kinds=request.kinds
        )
        if label is None and request.inputs is None and outcome is None:
            raise UsageError(
                f"{request.source}: no column looks like the class of a row; name it (--outcomes), or take --as "
                "recordings"
            )
        grey = grey_range(schema, label)
        spec = LabelledTableSpec(
            path=str(request.source),
            inputs=request.inputs,
            outcome=label if label is not None else "",
            ignored=request.ignored,
            kinds=",".join(f"{name}={kind}" for name, kind in request.kinds.items()) or None,
            grey=grey,
            held_out=request.held_out,
            **dataclasses.asdict(request.reading),
        )
        why = [self._taken(schema, label), *notes]
        others = [repr(column.name) for column in schema.of("input") if column.kind == "class"]
        if outcome is None and label is not None and others:
            why.append(
                f"Also of classes, and taken for inputs: {shown(listed(others), 200)} (--outcomes names another)."
            )
        if grey is not None:
            why.append(
                f"Its values are taken for grey levels from 0 to {grey:g}: many columns reach one largest value."
            )
        chosen = planned(spec, steps=request.steps, seed=request.seed, note=note)
        return FitPlan(chosen.experiment, (*why, *chosen.why))

    def compared(self, run: "Restored", request: FitRequest) -> Comparison:
        task = run.components.task
        assert isinstance(task, LabelledTable)
        rows = rows_compared(task, run.model, seed=request.seed)
        return Comparison(
            title=f"{len(task.test):,} held-out rows",
            count=len(task.test),
            rows=rows,
            shown={
                "accuracy": lambda row: _text(row["accuracy"], "{:.1%}"),
                "cross-entropy": lambda row: _text(row["cross_entropy"], "{:.4g}"),
                "calibration error": lambda row: _text(row["ece"], "{:.1%}"),
                "-log p(row)": lambda row: _text(row["nll"], "{:.4g}"),
            },
            sentence=sentence_of(rows),
        )

    def _schema(self, request: FitRequest) -> Schema:
        if request.source.suffix in (".npy", ".npz"):  # images among them, which are no table
            return row_schema(table_of(request.source, request.reading), ignored=request.ignored, kinds=request.kinds)[
                0
            ]
        return request.schema

    def _taken(self, schema: Schema, label: str | None) -> str:
        inputs = len(schema.of("input"))
        rows = f"{schema.rows:,} rows of {inputs:,} column{'s' if inputs > 1 else ''}"
        if label is None:
            return f"Taken for examples without a class: {rows}."
        classes = schema.column(label).vocabulary
        return f"Taken for labelled examples: {rows}, with one of {len(classes):,} classes each in '{label}'."


def _text(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
