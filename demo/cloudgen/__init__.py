"""Bills of the other clouds, each as its provider delivers it."""
