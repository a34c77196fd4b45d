"""Worlds, demo and measurements. They talk to Segue over HTTP only, as any company would."""
