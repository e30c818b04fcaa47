"""Under the hood: how the detectors work, how they were made, what is installed."""
