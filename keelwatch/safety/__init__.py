"""Policy: who may do what, and what may never happen, whoever acts."""
