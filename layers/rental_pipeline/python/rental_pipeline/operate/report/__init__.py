"""The report: one page for people at the end of a run that published, from the declarations in sql/<marketplace>/report."""
