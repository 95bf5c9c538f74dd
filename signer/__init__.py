"""The Pegwarden kernel."""
