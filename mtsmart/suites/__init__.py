"""Suites of tasks in the conventions of those who made them: how they are reported, and what leaderboards take."""
