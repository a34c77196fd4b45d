"""The commands of `segue`, a module each; every one has `register(app)`. `options` holds what they share."""
