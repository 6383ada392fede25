"""Is it FOCUS? Row checks as data, judged in one pass over the bills that changed."""
