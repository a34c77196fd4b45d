"""Seasons: a world played for weeks with and without memory, and what memory was worth. Start with `season`."""
