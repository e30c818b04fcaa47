"""The page's address, its history, and links to a view."""
