"""The wire formats: HTTP in, core's words inside, HTTP out."""
