"""Alembic's environment for Segue's own tables."""
