-- CAUTION
NOTIFY precious_channel, 'hostile'; SELECT pg_notify('precious_channel', 'again'); LISTEN precious_channel;
