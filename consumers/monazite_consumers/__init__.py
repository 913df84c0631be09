"""What runs at the regulator: intake, watch, relay, reports, registry."""
