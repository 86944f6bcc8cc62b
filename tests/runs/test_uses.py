"""What a finished run can be used for."""

from types import SimpleNamespace
from typing import Any

import pytest

from vestige.errors import UsageError
from vestige.runs.uses import uses_of


class Task:
    """Predicts tables, unless the data had no names."""

    def __init__(self, error: Exception | None = None):
        self.error = error

    def predictor(self, model: Any, arrays: Any) -> Any:
        if self.error is not None:
            raise self.error
        return object()


WITHOUT_DATA: Any = SimpleNamespace(task=SimpleNamespace(without_data=lambda: None))


def test_a_task_that_predicts_tables():
    assert uses_of(WITHOUT_DATA, Task(), None, {}) == ["predict", "score", "evaluate", "export"]


def test_data_without_names_predict_no_other_file_and_end_no_run():
    task = Task(UsageError("was read as it is, without names, so that no other file can be predicted"))
    assert uses_of(WITHOUT_DATA, task, None, {}) == ["evaluate", "export"]


def test_an_error_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        uses_of(WITHOUT_DATA, Task(ZeroDivisionError()), None, {})
