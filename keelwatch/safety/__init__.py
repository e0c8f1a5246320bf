"""Policy: who may do what, and what may never happen, whoever acts.

Promises: a rule is a pure function of the workspace and the facts. It never acts itself.
"""

from keelwatch.safety.roles import require_operator, role_of

__all__ = ["require_operator", "role_of"]
