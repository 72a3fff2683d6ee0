"""The kernel language: its contract, its dtype rules, and the interpreter that is in force."""
