"""Whole tables of rows: how they are made, and which columns are added to them."""
