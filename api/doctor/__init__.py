"""What `segue doctor` looks at, a module per kind of check. Start with `examine.examine`; `finding` has the words."""
