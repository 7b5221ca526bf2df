"""Who to talk to: definitions, members, holdouts, files for ad platforms."""
