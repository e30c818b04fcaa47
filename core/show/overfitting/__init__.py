"""Overfitting: is a good score a good detector? Told chapter by chapter."""
