"""The page of systems on corpora: its charts, its words, and what draws them."""
