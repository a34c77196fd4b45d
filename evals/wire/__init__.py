"""The wire to real models: a tiny model behind a real server, what is asked of it, and how that is recorded.

Start with `scenes`. The model chooses tools no better than chance, so nothing here says how well a model decides.
"""
