"""What a run needs, looked at without running: the parts of `make doctor`, each with the role and network of its part.

They change nothing but probe objects of their own, and read no row of anybody's.
"""
