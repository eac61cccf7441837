"""The four stages: a dossier and measures in, findings out."""
