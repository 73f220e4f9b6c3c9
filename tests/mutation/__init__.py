"""Mutations of the product, each of which the fast tests must notice: `make mutate` (python -m tests.mutation)."""
