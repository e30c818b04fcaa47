"""What the pages of figures share: charts, cards, filters, and what tables say of detectors."""
