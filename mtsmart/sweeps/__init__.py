"""Sweeps train every arm of a grid for every seed, and write tables that compare the arms."""
