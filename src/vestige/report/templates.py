"""Filling in the page templates; whatever comes from a run folder is escaped."""

import re
from typing import TYPE_CHECKING, Any

from vestige.report import numbers

if TYPE_CHECKING:
    from markupsafe import Markup


def render(template: str, **values: Any) -> str:
    """Fill in `templates/<template>` with `values`, by name; `template` is its file."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vestige.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = numbers.format_number
    environment.filters["count"] = numbers.format_count
    environment.filters["seconds"] = numbers.format_seconds
    environment.filters["short"] = numbers.format_short_seconds
    environment.filters["coded"] = coded
    environment.filters["drawing"] = Markup  # only for figures drawn here, never for text from a run
    return environment.get_template(template).render(**values)


def coded(text: str) -> "Markup":
    """`text`, escaped, with options such as `--seeds 3` as code that no line is broken in."""
    from markupsafe import Markup, escape

    parts = re.split(r"(--[a-z][\w.-]*(?: \d+)?)", text)
    shown = [Markup("<code>{}</code>").format(part) if i % 2 else escape(part) for i, part in enumerate(parts)]
    return Markup("").join(shown)


def flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings, `value`, as rows of a dotted name, which begins with `prefix`, and a value."""
    if isinstance(value, dict) and value:
        return [row for key, entry in value.items() for row in flat(entry, f"{prefix}.{key}" if prefix else str(key))]
    if isinstance(value, list) and any(isinstance(entry, dict | list) for entry in value):
        return [row for place, entry in enumerate(value) for row in flat(entry, f"{prefix}[{place}]")]
    return [(prefix, _plain(value))]


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_plain(entry) for entry in value) or "empty"
    return "empty" if value == {} else str(value)
