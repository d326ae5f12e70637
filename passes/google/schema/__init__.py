"""Type facts of the Wallet API, frozen from Google's discovery document, and the check of every body we send."""
