"""Measurements, not tests: `python -m benchmarks.extraction --help`. Results of a run stand in benchmarks/results."""
