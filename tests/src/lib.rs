//! What needs more than one room or a foreign peer. See README.md for what each suite proves.
