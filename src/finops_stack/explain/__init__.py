"""From a number to the FOCUS rows behind it, to the raw rows, with the formula of each cost."""
