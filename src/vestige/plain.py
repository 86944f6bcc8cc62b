"""Specifications as plain values, for `config.yaml`, and back: registered names, and what differs from defaults."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from vestige.errors import UsageError, nearest
from vestige.registries import registry
from vestige.spec import Spec

NAME = "name"
Of = TypeVar("Of", bound=Spec)


def to_plain(spec: Spec) -> dict[str, Any]:
    """Nested dictionaries of plain values.

    A registered specification is `{"name": …}` and what differs from the one registered by that name; any other is what
    differs from the defaults of its class, in which fields without a default are always written.
    """
    if spec.contract:
        name = name_of(spec)
        return {NAME: name, **_differing(spec, registry(spec.contract)[name])}
    return _differing(spec, None)


def name_of(spec: Spec) -> str:
    """The registered name that takes the fewest options to become `spec`; the first of several.

    **Raises:** `UsageError` where no specification of its class is registered.
    """
    known = registry(spec.contract)
    alike = [name for name, other in known.items() if type(other) is type(spec)]
    if not alike:
        raise UsageError(
            f"{type(spec).__name__} is not registered; call vestige.register('{spec.contract}', NAME, "
            f"{type(spec).__name__}) in the module that defines it"
        )
    return min(alike, key=lambda name: _differences(spec, known[name]))


def _differences(spec: Spec, base: Spec) -> tuple[int, int]:
    """How many parts of another kind, and how many other options, one specification has where `base` has its own."""
    parts, options = 0, 0
    for field in dataclasses.fields(spec):
        value, other = getattr(spec, field.name), getattr(base, field.name)
        if isinstance(value, Spec) and type(value) is type(other):
            inner = _differences(value, other)
            parts, options = parts + inner[0], options + inner[1]
        elif isinstance(value, Spec) or isinstance(other, Spec):
            parts += value != other
        else:
            options += value != other
    return parts, options


def _differing(spec: Spec, base: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        if base is None:
            default = _default(field)
        else:
            default = getattr(base, field.name)
        if value != default or isinstance(value, bool) != isinstance(default, bool):
            found[field.name] = to_plain(value) if isinstance(value, Spec) else value
    return found


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def from_plain(kind: type[Of], plain: Any, *, where: str) -> Of:
    """The specification that `to_plain` wrote. A missing option takes its default.

    **Arguments:**

    - `kind`: the specification's class, or that of its contract.
    - `plain`: what was written.
    - `where`: the file, for messages.

    **Raises:** `UsageError` where an option or a name is unknown, or a value is refused.
    """
    if kind.contract:
        plain = {NAME: plain} if isinstance(plain, str) else plain
        if not isinstance(plain, Mapping) or not isinstance(plain.get(NAME), str):
            raise UsageError(f"{where}: expected the name of a {kind.contract} and its options, got {_short(plain)}")
        try:
            base = registry(kind.contract).find(plain[NAME])
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from error
        given = {key: value for key, value in plain.items() if key != NAME}
        return _with(base, given, where=where, owner=f"{kind.contract} '{plain[NAME]}'")
    if not isinstance(plain, Mapping):
        raise UsageError(f"{where}: expected options of {kind.__name__}, got {_short(plain)}")
    values = _values(kind, plain, where=where, owner=kind.__name__)
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: {error}") from error


def _with(base: Any, given: Mapping[Any, Any], *, where: str, owner: str) -> Any:
    values = _values(type(base), given, where=where, owner=owner)
    try:
        return dataclasses.replace(base, **values)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: {owner}: {error}") from error


def _values(kind: type, plain: Mapping[Any, Any], *, where: str, owner: str) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    values: dict[str, Any] = {}
    for name, value in plain.items():
        if name not in names:
            hint = nearest(str(name), names) if names else "It has no options."
            raise UsageError(f"{where}: {owner} has no option '{_short(name)}'. {hint}")
        inner = spec_in(hints[name])
        if inner is not None and value is not None:
            values[name] = from_plain(inner, value, where=where)
        elif fits(hints[name], value):
            values[name] = _as(hints[name], value)
        else:
            raise UsageError(f"{where}: {owner}: {name} must be {said(hints[name])}, got {_short(value)}")
    return values


def _as(hint: Any, value: Any) -> Any:
    """A plain value that fits, as the field holds it: lists are tuples, an integer for a real number is one."""
    if isinstance(value, list):
        return tuple(value)
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    whole = isinstance(value, int) and not isinstance(value, bool) and int not in kinds
    return float(value) if whole and float in kinds else value


def spec_in(hint: Any) -> type[Spec] | None:
    """The specification class in a field's type; None for plain values."""
    for part in typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,):
        if isinstance(part, type) and issubclass(part, Spec):
            return part
    return None


def fits(hint: Any, value: Any) -> bool:
    """Whether a plain `value` is of a field's type, its `hint`; an integer may stand for a real number."""
    if hint is Any:
        return True
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return any(value == choice and type(value) is type(choice) for choice in arguments)
    if isinstance(hint, types.UnionType) or origin is typing.Union:
        return any(fits(part, value) for part in arguments)
    if origin is tuple:
        element = arguments[0] if arguments else Any
        return isinstance(value, list | tuple) and all(fits(element, item) for item in value)
    if hint is None or hint is type(None):
        return value is None
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint) if isinstance(hint, type) else True


def said(hint: Any) -> str:
    """A field's type in words."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " or ".join(map(repr, arguments))
    if isinstance(hint, types.UnionType):
        return " or ".join(said(part) for part in arguments)
    if hint is type(None):
        return "null"
    words = {int: "an integer", float: "a number", str: "a text", bool: "true or false"}
    return words.get(hint, getattr(hint, "__name__", str(hint)))


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def options_of(spec: Spec, prefix: str = "") -> dict[str, Any]:
    """All options of `spec` and of the specifications inside it, dotted name -> value, and parts by name; for people.
    Names begin with `prefix`.
    """
    found: dict[str, Any] = {prefix.rstrip("."): name_of(spec)} if spec.contract else {}
    for field in dataclasses.fields(spec):
        value, name = getattr(spec, field.name), f"{prefix}{field.name}"
        found |= options_of(value, f"{name}.") if isinstance(value, Spec) else {name: value}
    return found
