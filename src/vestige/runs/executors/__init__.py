"""Executors: where several runs are carried out. Local processes, or the workers of a Dask cluster."""
