"""What make calls: commands of `python -m local`, and writers of generated files (json_shapes, saved_queries, types_page)."""
