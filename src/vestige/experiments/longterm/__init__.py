"""Experiments with memories that must keep something for long."""

from vestige.experiments.longterm.options import LongTerm as LongTerm
