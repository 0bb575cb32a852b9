"""When single tasks of a run stop."""
