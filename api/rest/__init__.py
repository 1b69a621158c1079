"""The JSON door: what `/api/v1` offers, one file a subject."""
