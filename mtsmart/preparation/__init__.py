"""From task definitions to encoded splits and batches: where sources, checks and task types meet."""
