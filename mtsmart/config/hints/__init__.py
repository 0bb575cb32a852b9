"""What a user can do about a key that is unknown: where it belongs, what it is called here, or what it is like."""
