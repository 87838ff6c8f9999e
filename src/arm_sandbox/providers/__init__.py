"""The resource providers: what is special about each one's resource types."""
