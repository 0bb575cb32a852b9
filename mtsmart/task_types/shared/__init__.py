"""What several task types share: base classes to start from, and helper functions."""
