"""What the portal's workers and billing have in common: requests, faults, the database, traces and logs."""
