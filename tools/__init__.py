"""Tools: sources, schemas, calls and their safety. A leaf: imports nothing of ours. Start with `types`."""
