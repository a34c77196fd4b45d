"""Scenarios: cases over the worlds, played by deciders and graded by the world. Start with `suite`."""
