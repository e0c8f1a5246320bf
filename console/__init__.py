"""The faces: CLI, TUI and plain text. Wires every room, decides nothing.

Promises: whatever a screen shows or does, a command shows or does too; stdout is data, stderr is
narration; `--help` and the first frame load no client and no YAML. It never computes a verdict.
"""
