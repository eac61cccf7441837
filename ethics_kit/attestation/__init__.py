"""Proof of what a record's folder held, who signed it, and that a system's acts form one unbroken chain."""
