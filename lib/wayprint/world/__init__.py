"""A seeded world of people, devices, campaigns and stores that writes vendors' raw files, and the truth about it."""
