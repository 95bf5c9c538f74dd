"""A key ceremony: entropy of several people by commitment, and its transcript. Pure."""
