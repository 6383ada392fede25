"""Is it all there, once, and like last month? Checks as data, of bills and of sources."""
