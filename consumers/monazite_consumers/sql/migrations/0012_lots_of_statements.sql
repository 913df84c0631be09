-- Lots are also looked for by the statement that made them: when it is taken back, and when it shares a number.

CREATE INDEX lots_of_statement ON lots (message, index);
