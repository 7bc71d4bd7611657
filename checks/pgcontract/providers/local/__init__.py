"""A server on this machine, from programs that are installed here: planted, started, watched and removed."""

from pgcontract.providers.local.fresh import local_server

__all__ = ["local_server"]
