"""Runnable comparisons; nothing here is part of the package."""
