-- What was not kept for want of room, by its value: it is settled when the same value comes again and is kept.

CREATE INDEX envelopes_stripped ON envelopes (hash) WHERE rule = 'awaiting-bound';
