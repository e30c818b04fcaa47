"""Second opinions: several detectors on one clip, side by side."""
