"""Carries what members' kernels say to each other; trusted by nobody. Used by clients and by the edge."""
