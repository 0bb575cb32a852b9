"""What people see of a run: console, card."""
