"""What comes in and goes out, field by field: the one place where either is described and judged."""
