"""Filled in by what follows."""
