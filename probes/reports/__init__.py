"""What came of executions, as people and CI read it: lines, JUnit, GitHub. Pure; nothing is printed here."""
