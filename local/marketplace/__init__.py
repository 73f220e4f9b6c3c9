"""The sample source: its schema, generated data, a day of marketplace life, and a loader for one's own CSV files."""
