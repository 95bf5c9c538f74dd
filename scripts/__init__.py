"""What makes, measures and fetches; none of it runs in a kernel."""
