"""Carries what members say to each other, as a program."""
