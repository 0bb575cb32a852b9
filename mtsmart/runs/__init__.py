"""A run's folder: what lies in it, who may write it, how it is interrupted and resumed."""
