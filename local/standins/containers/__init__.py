"""`sam local` in containers, and the engine that it needs."""
