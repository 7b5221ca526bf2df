"""Clean actions: repetitions, bots, clocks, channels; contacts and costs in their present state."""
