"""A server in a container: the daemon that runs it, the image it is made from, the process that owns it."""
