"""Options as plain values, for `config.yaml`, and back."""

import dataclasses
import types
import typing
from typing import Any

from vestige.errors import UsageError

KIND = "kind"


def to_plain(options: Any) -> dict[str, Any]:
    """Nested dictionaries; where a field may be one of several classes, `kind` names the one it is."""
    plain: dict[str, Any] = {}
    for name, alternatives in _alternatives(type(options)).items():
        value = getattr(options, name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            kind = {KIND: type(value).__name__} if len(alternatives) > 1 else {}
            plain[name] = {**kind, **to_plain(value)}
        else:
            plain[name] = value
    return plain


def from_plain(cls: type, plain: Any, *, where: str) -> Any:
    """The options that `to_plain` wrote; `where` names the file in errors.

    **Raises:** `UsageError` where a name is missing or unknown, or a value is refused.
    """
    fields = _alternatives(cls)
    if not isinstance(plain, dict) or plain.keys() != fields.keys():
        given = sorted(plain) if isinstance(plain, dict) else plain
        raise UsageError(
            f"{where} was written by another version of Vestige: {cls.__name__} has {sorted(fields)}, "
            f"the file has {given}"
        )
    values: dict[str, Any] = {}
    for name, alternatives in fields.items():
        value = plain[name]
        if alternatives:
            entries = dict(value)
            kind = entries.pop(KIND, alternatives[0].__name__)
            chosen = {option.__name__: option for option in alternatives}.get(kind)
            if chosen is None:
                raise UsageError(f"{where}: {name} has unknown kind '{kind}'")
            value = from_plain(chosen, entries, where=where)
        values[name] = value
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: {error}") from error


def _alternatives(cls: type) -> dict[str, list[type]]:
    """Field names to the dataclasses the field may hold; none for plain values."""
    hints = typing.get_type_hints(cls)
    if KIND in hints:
        raise TypeError(f"{cls.__name__}: an option may not be called '{KIND}', which names the class in config.yaml")
    found: dict[str, list[type]] = {}
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        found[field.name] = [
            option for option in options if isinstance(option, type) and dataclasses.is_dataclass(option)
        ]
    return found
