-- What was answered on a shipment, too, is kept until it is amended: goods are missing since then, however often it is corrected.

INSERT INTO restated (message, index, cause)
SELECT e.message, e.index, e.message FROM events e JOIN following f ON e.message <= f.message
WHERE e.amended_at IS NOT NULL ON CONFLICT DO NOTHING;
INSERT INTO sweeps (noun, after) VALUES ('shipment', '') ON CONFLICT (noun) DO UPDATE SET after = excluded.after;
