"""The forms in which models are kept."""
