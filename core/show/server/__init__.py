"""What one process does for all visitors: queue, clips' sound, headers, time limits."""
