"""Memory: episodes, embedding, index and scoring. A leaf: imports nothing of ours. Start with `types`."""
