"""Tuning: the options of an experiment, searched in trials that are runs."""
