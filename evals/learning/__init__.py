"""Whether decisions improve from late outcomes: a hidden preference, and the worlds. Start with `command`."""
"""What Segue learns in the worlds, measured. One file per part; a part is a function that plays and gives figures."""
