"""A seeded world of people."""
