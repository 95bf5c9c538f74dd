"""`make bench`: measurements, each beside a reference in the same run."""
