"""Text in, findings out: knows no HTTP, no database and no network."""
