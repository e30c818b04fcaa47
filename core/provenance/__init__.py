"""What a file itself proves of its origin: credentials, tags, and traces in its samples."""
