"""Drafts the definition of a task from its data: what the files are, what the columns hold, what kind of task fits."""
