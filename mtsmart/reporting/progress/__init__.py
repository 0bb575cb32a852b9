"""Progress of training: a block on a terminal, plain lines, and lines of JSON."""
