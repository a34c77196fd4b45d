"""The routes of the HTTP door, a module per subject. `api.app` puts them together."""
