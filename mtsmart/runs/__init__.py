"""A run on the disk: its folder, lock, journal, what a resumed run may change, and its best model."""
