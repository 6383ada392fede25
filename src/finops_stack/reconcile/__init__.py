"""Does it add up? Compares each bill's own totals with its FOCUS rows, exactly."""
