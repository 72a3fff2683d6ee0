"""Steps: compiled programs, and the loops that run them."""
