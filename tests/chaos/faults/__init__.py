"""What goes wrong, one small class each."""
