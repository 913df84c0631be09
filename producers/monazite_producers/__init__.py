"""What runs at a plant: gateway, spool, sources, receipts, simulator."""
