"""Sends models to the Hub."""
