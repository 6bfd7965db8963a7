"""A year of a simulated economy on the references of the contracts: who gets what, and when lenders lose."""
