"""The sections of an experiment that is trained several times: a grid, folds, a search."""
