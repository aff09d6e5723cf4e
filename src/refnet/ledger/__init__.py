"""The ledger: every fact as one row of fixed-width columns, in log order."""
