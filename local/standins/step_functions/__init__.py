"""Step Functions: the engine of state machines, its API, and one execution as its caller sees it."""
