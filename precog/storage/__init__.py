"""Where data is kept: one engine for two databases, and one file a table family."""
