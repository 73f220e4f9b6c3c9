"""`make adopt`: a database's own catalogue becomes a marketplace's folder. Nothing in the source is changed."""
