"""The doors for people and systems: HTTP (`app`) and the command line (`cli`)."""
