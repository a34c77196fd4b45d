"""Whether decisions improve from late outcomes: a hidden preference, and the worlds. Start with `command`."""
