-- What a plant calls a lot that it uses is a label, too: lots that were called otherwise are judged as if they had changed.

UPDATE moves SET label = product WHERE kind = 'used' AND step NOT IN ('split', 'blended');
UPDATE lot_states s SET depth = s.depth + 1
WHERE EXISTS (SELECT FROM moves m WHERE m.lot = s.lot AND m.product = m.label AND m.label <> s.product);
INSERT INTO doubts (noun, key)
SELECT DISTINCT 'lot', m.lot FROM moves m JOIN lot_states s USING (lot) WHERE m.product = m.label AND m.label <> s.product
ON CONFLICT DO NOTHING;
