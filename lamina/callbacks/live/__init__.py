"""Training, seen while it runs: a callback that writes records, and a server of the page that shows them."""
