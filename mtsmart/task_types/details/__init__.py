"""What some task types have besides training: what an evaluation in detail asks (costs of rows, labels, probabilities).

Also which tasks may have perturbed texts or few rows for each label, and labels in the spelling of an earlier run.
"""
