"""Makes the bills of a company that does not exist, in the shape AWS delivers them."""
