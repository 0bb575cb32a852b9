"""Which tasks help which: gradients and look-ahead losses, measured while a joint run trains."""
