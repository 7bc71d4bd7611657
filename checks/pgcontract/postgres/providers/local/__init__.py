"""A server on this machine, from programs that are installed here: unpacked, started, supervised and removed."""

from pgcontract.postgres.providers.local.fresh_server import local_server
