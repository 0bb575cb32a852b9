"""What is done for processors alone: linear layers, freed memory."""
