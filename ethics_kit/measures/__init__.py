"""Pure statistics: tables and counts in, plain results out. Knows no YAML, no notebook, no finding."""
