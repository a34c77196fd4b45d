"""How a question becomes a call without a language model. Start with `routes`, then `acting` and `looking_up`."""
