"""One clip and what was found in it: words, charts, pictures, cards."""
