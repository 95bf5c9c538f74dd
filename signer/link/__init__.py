"""The narrow call between two processes: the kernel's door, and the edge's connection to it."""
