"""The Timeline page: a clip's player, and the parts of its page."""
