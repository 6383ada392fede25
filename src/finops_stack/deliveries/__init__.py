"""Find bills: which deliveries lie in a source, complete or not."""
