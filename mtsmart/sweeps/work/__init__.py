"""What a sweep trains: the runs of a grid or of folds; those of a search are in ``search``."""
