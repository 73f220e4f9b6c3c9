"""The commands behind the Makefile: each is a function that `python -m local` calls."""
