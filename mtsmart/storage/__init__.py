"""Files on the disk: each is complete or absent, is read whole, and is ours before it is replaced or deleted."""
