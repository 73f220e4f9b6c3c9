"""What the pipeline's functions share: contract, plan, extraction, and the SQL of a run."""
