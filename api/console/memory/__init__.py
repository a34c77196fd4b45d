"""The page of memory, a module for each of its parts."""
