"""What every world is made of: store, clock, ledger, faults, outbox, `/_world` routes. Start with `serve`."""
