"""What comes in over HTTP: who may ask, what is asked, and the refusal of what cannot be answered."""
