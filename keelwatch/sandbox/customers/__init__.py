"""Background customers: visits that arrive whether or not the portal keeps up (open loop), seeded.

They come through the TLS edge, verify its certificate with the sandbox's CA, and behave like people: they
log in, do something, think in between, log out, and give up when they are refused.
"""
