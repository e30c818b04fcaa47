"""Benchmarks: the tables under filters, and the views of them."""
