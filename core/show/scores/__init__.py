"""Your scores: a visitor's score files, what is computed of them, and how it is shown."""
