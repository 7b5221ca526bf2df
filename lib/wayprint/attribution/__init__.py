"""What brings sales: paths, credit, return on spend."""
