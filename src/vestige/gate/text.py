"""Texts, JSON and YAML of bounded size, depth and expansion."""

import codecs
import json
import math
from pathlib import Path
from typing import Any, NoReturn

from vestige.errors import shown
from vestige.gate.opening import Unreadable, read_bytes

TEXT_BYTES = 2**26
YAML_BYTES = 2**18
DEEPEST = 100
MOST_NODES = 200_000
"""Of a YAML file, each alias counted as often as it stands for something."""
LONGEST_INTEGER = 40

_SAID = {dict: "an object of names and values", list: "a list"}
_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def read_text(path: str | Path, *, limit: int = TEXT_BYTES) -> str:
    """The text of a UTF-8 file.

    **Arguments:**

    - `path`: the file.
    - `limit`: how many bytes it may have.

    **Returns:** the text, without its byte order mark if it has one.

    **Raises:** `Unreadable` where it is another encoding or holds NUL, and as `open_regular`.
    """
    data = read_bytes(path, limit=limit)
    for mark, name in _ENCODINGS.items():
        if data.startswith(mark):
            raise Unreadable(path, f"it cannot be read: it is {name} text, and UTF-8 is expected")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = data[error.start]
        raise Unreadable(path, f"it cannot be read: byte {error.start:,} (0x{byte:02x}) is not UTF-8 text") from None
    if "\0" in text:
        raise Unreadable(path, f"it cannot be read: character {text.index(chr(0)):,} is NUL, so it is no text")
    return text


def read_json(path: str | Path, *, kind: type = dict, limit: int = TEXT_BYTES) -> Any:
    """What a JSON file holds.

    **Arguments:**

    - `path`: a UTF-8 file.
    - `kind`: `dict` or `list`, what it must hold.
    - `limit`: how many bytes it may have.

    **Returns:** the value. Numbers are finite, no object has a name twice.

    **Raises:** `Unreadable` where it is no JSON or holds something else, and as `read_text`.
    """
    text = read_text(path, limit=limit)
    try:
        return parse_json(text, kind=kind)
    except ValueError as error:
        raise Unreadable(path, f"it cannot be read as JSON: {error}") from None


def parse_json(text: str, *, kind: type = dict) -> Any:
    """What one JSON text holds, such as a line of a log.

    **Arguments:**

    - `text`: the JSON.
    - `kind`: `dict` or `list`, what it must hold.

    **Returns:** the value, as `read_json`.

    **Raises:** `ValueError` with a clause about "it", where `read_json` refuses.
    """
    if not text.strip():
        raise ValueError("it is empty")
    try:
        value = json.loads(
            text, object_pairs_hook=_once, parse_constant=_no_number, parse_int=_integer, parse_float=_finite
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, kind):
        raise ValueError(f"it must hold {_SAID[kind]}, got {shown(value)}")
    _check_depth(value)
    return value


def read_yaml(path: str | Path, *, limit: int = YAML_BYTES) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Time and memory in proportion to the file: aliases that would expand to more than 200,000 values are refused before
    anything is made of them.

    **Arguments:**

    - `path`: a UTF-8 file.
    - `limit`: how many bytes it may have.

    **Returns:** the mapping of names to plain values.

    **Raises:** `Unreadable` where it is no YAML, holds something else than a mapping, a name twice, or an alias of
    what it lies in, and as `read_text`.
    """
    text = read_text(path, limit=limit)
    try:
        return parse_yaml(text)
    except ValueError as error:
        raise Unreadable(path, f"it cannot be read as YAML: {error}") from None


def parse_yaml(text: str) -> dict[str, Any]:
    """The mapping that one YAML text holds.

    **Arguments:**

    - `text`: the YAML, of bounded length.

    **Returns:** the mapping, as `read_yaml`.

    **Raises:** `ValueError` with a clause about "it", where `read_yaml` refuses.
    """
    import yaml

    try:
        value = _constructed(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"{error.problem or error.context}{where}") from None
    except yaml.YAMLError as error:
        raise ValueError(str(error).splitlines()[0]) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (ValueError, OverflowError, TypeError, AttributeError) as error:  # of dates, integers, keys
        raise ValueError(shown(error, 200)) from None
    if not isinstance(value, dict):
        raise ValueError(f"it must hold names and values, got {shown(value)}")
    return {str(key): entry for key, entry in value.items()}


def _constructed(text: str) -> Any:
    """What a YAML text holds, once its size is known."""
    import yaml

    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise ValueError("it is empty")
        _check_nodes(node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _check_once([name for name, _ in pairs], "object")
    return dict(pairs)


def _check_once(names: list[str], what: str) -> None:
    met: set[str] = set()
    for name in names:
        if name in met:
            raise ValueError(f"the name '{shown(name)}' stands twice in one {what}")
        met.add(name)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON; null stands for what is not finite")


def _integer(text: str) -> int:
    if len(text) > LONGEST_INTEGER:
        raise ValueError(f"it holds an integer of {len(text):,} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{shown(text)} is larger than any number")
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise ValueError(f"it is nested more than {DEEPEST} levels deep")


def _inside(value: Any) -> list[Any]:
    entries = value.values() if isinstance(value, dict) else value
    return [entry for entry in entries if isinstance(entry, dict | list)]


def _check_nodes(root: Any) -> None:
    """**Raises** `ValueError` for a cycle, too many nodes or levels once aliases are expanded, or a name twice."""
    import yaml

    known: dict[int, tuple[int, int]] = {}
    within: set[int] = set()

    def measure(node: Any) -> tuple[int, int]:
        """Values and levels, each alias as what it stands for."""
        if id(node) in within:
            raise ValueError("it holds an alias of what it lies in")
        if id(node) in known:
            return known[id(node)]
        if not isinstance(node, yaml.CollectionNode):
            return 1, 0
        within.add(id(node))
        inner = node.value
        if isinstance(node, yaml.MappingNode):
            _check_once([key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)], "mapping")
            inner = [entry for pair in node.value for entry in pair]
        sizes, levels = zip((1, 0), *map(measure, inner), strict=True)
        within.remove(id(node))
        known[id(node)] = sum(sizes), 1 + max(levels)
        if known[id(node)][0] > MOST_NODES:
            raise ValueError(f"it holds more than {MOST_NODES:,} values once its aliases are written out")
        if known[id(node)][1] > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} levels deep")
        return known[id(node)]

    measure(root)
