"""Detect: clips are brought, judged, and shown with the evidence."""
