"""What a policy allows, found without a journal or a key: described spends, mutants, bounds, differences."""
