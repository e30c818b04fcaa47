"""An archive of files -> one table of scores: resumable, on every core or on a cluster."""
