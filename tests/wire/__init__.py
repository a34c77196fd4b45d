"""The wire to real models: recorded from the tiny model, replayed without a network, and live where it is installed."""
