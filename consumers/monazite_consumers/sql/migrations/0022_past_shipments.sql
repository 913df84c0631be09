-- On which shipment a move was that was amended: what a shipment misses settles from when it was taken back.

ALTER TABLE past_moves ADD COLUMN shipment text;
CREATE INDEX past_moves_of_shipment ON past_moves (shipment) WHERE shipment IS NOT NULL;
