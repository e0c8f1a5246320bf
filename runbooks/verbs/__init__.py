"""The verbs a runbook may use: what each takes, and what kind of effect it has. `notify` alone acts here."""
