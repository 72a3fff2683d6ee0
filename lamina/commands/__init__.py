"""The commands of `lamina`: one file for each, with its arguments and what it does; loaded when it is called."""
