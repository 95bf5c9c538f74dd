"""An attestor: looks at the chains with its own eyes and signs what it saw, nothing else."""
