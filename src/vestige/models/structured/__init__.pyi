"""Distributions over structures, whose log-rates are learned."""

from .rates import Rates as Rates
