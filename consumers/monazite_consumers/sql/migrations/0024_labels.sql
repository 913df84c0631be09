-- What a waybill calls a lot: the flow is of what the lot is, as soon as that is known; a false label is a finding of its own.

ALTER TABLE moves ADD COLUMN label text;
UPDATE moves SET label = product WHERE kind = 'dispatched';
INSERT INTO doubts (noun, key) SELECT DISTINCT 'lot', lot FROM moves WHERE kind = 'dispatched' ON CONFLICT DO NOTHING;
