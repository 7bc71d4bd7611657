-- BLOCKED
/* /* */ ' */ DROP DATABASE precious WITH (FORCE); -- '
