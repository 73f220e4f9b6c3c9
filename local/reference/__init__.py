"""The pages of docs/reference that are made of the code: `make reference` writes them, and a test compares them."""
