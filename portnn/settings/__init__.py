"""Settings: each declared once, with its name, type, range, default and one sentence."""
