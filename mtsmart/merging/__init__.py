"""Merges the models of several runs into one: reading and checking, the sums, the new run's folder."""
