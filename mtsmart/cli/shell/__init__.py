"""What the shell of a user gets from mtsmart."""
