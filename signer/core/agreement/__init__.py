"""Agreement between the members' kernels (design J6): pure rules, for kernel, model and search alike."""
