"""Commands that make a model ready for others."""
