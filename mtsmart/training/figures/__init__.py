"""What looks at the figures of updates: their means, numbers that are not finite, terms that run away."""
