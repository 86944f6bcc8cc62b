"""The model of the best evaluation, while a run goes on."""

from collections.abc import Iterable
from typing import Any

import equinox as eqx

from vestige.storage.log import Record
from vestige.training.checkpoints import Checkpoints
from vestige.training.early_stopping import EarlyStopping, Patience
from vestige.training.leaves import copied
from vestige.training.state import RunState


class Best:
    """Keeps a copy of the model of the best evaluation, and the checkpoint it is in; without a rule it does nothing.

    **Arguments:**

    - `rule`: when to stop.
    - `checkpoints`: of the run, if it has a folder; the best one is not pruned.
    - `records`: the log up to the update from which the run goes on.
    """

    def __init__(self, rule: EarlyStopping | None, checkpoints: Checkpoints | None, records: Iterable[Record]):
        self._patience = None if rule is None else Patience(rule)
        self._checkpoints = checkpoints
        self._model: Any = None
        if self._patience is not None:
            for record in records:
                self._patience.see(record)
            self._protect()

    def restore(self, state: RunState, step: int) -> str:
        """Find the best model of a run that goes on.

        **Arguments:**

        - `state`: of the run.
        - `step`: updates that are done.

        **Returns:** a sentence where it is lost; else nothing.
        """
        if self._patience is None or not self._patience.best_step or self.exhausted:
            return ""
        if self._patience.best_step == step:
            self._model = copied(state.model)
            return ""
        found = None if self._checkpoints is None else self._checkpoints.restore_at(self._patience.best_step, state)
        if found is None:
            return f"the checkpoint of the best evaluation, {self._patience.best_step}, is missing or damaged; " + (
                "unless a later evaluation is better, the run ends with its last model"
            )
        self._model = found.model
        return ""

    def see(self, record: Record, model: Any) -> bool:
        """Take in an evaluation of a `model`. **Returns:** whether it is the best so far, and is to be saved."""
        if self._patience is None or not self._patience.see(record):
            return False
        self._model = copied(model)
        self._protect()
        return True

    def into(self, state: RunState) -> RunState:
        """The `state` with the model of the best evaluation, for the end of the run."""
        return state if self._model is None else eqx.tree_at(lambda each: each.model, state, self._model)

    @property
    def exhausted(self) -> bool:
        """Whether the run is to stop."""
        return self._patience is not None and self._patience.exhausted

    def sentence(self) -> str:
        """Why the run stopped."""
        return "" if self._patience is None else self._patience.sentence()

    def _protect(self) -> None:
        if self._checkpoints is not None and self._patience is not None:
            self._checkpoints.protected = self._patience.best_step or None
