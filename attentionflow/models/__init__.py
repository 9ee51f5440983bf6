"""Networks that at least two tasks share."""
