"""What the relay costs: time it adds, and what it carries."""
