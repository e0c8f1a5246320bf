"""One module per command: it parses, asks the rooms, prints, and ends with a code of the table."""
