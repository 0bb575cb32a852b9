"""The shared encoder, the heads and their files."""
