"""Optional parts of a task type that an evaluation in detail asks: what rows cost, labels, probabilities."""
