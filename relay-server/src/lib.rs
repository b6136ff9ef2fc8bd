//! relay-server
