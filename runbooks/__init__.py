"""Respond: plan, run, resume and rehearse a procedure, step by step. The room holds nothing yet."""
