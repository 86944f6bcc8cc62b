"""A package outside Vestige that adds one part of six kinds; imported by its entry point or by `--plugin`."""

from vestige_extra import crosses, first_two, leaky, reversed_recall, self_critical, signs  # noqa: F401
