"""Trained models for use outside mtsmart."""
