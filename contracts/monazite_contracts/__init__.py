"""What plants, platform and regulators say to each other."""
