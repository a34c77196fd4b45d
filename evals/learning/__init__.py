"""How far decisions improve, measured through the door that serves."""
