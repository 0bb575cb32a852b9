"""How a text of YAML is read: its types, and what its habits of other tools mean."""
