"""Values to text: what every face shows, as pure functions. No Textual, no I/O, no clock of its own."""
