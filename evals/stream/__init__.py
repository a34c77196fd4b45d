"""Streams: labelled events decided one after another by arms with and without memory. Start with `figures`."""
