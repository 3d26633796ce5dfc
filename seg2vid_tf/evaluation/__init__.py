"""How good the results are, always beside a baseline."""
