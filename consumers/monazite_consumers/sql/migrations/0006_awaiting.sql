-- What is kept for a registration to come is counted at every further such message: never by reading what was not kept.

CREATE INDEX envelopes_awaiting ON envelopes (source, key_id)
    WHERE outcome = 'awaiting' AND NOT vouched AND rule <> 'awaiting-bound';
