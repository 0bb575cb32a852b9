"""What is looked at before training, by what it is a part of."""
