"""How a run goes: events, supervisor graph, durable runs, store, policy. Start with `types`, then `wiring`."""
