"""`segue demo`: the stories played against a world, with real servers as processes. Start with `play`."""
