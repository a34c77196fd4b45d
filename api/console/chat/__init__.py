"""The chat's page: `talks` are what is said, `linking` and `cards` what of it is shown, `*_view` how."""
