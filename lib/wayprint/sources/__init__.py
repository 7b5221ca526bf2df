"""Raw file -> canonical rows, or a quarantined row with its reason."""
