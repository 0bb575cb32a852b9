"""Shows runs to people: the console, cards, and descriptions of task types and methods."""
