"""Tables: the domains' declarations, row types, boards, and the reader of views. Depends on `streams` only."""
