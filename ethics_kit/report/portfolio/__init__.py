"""The pages over all systems: the index, one page a system, the committee's pack, and the table of actions."""
