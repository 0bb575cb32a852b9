"""Sweeps: every arm of a grid for every seed, and the tables that compare them."""
