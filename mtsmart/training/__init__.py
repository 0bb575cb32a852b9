"""Training: the objective, the loop, resume points."""
