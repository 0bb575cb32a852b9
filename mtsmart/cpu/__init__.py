"""Faster training on CPUs: linear layers, and memory that is kept between updates."""
