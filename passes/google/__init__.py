"""Google Wallet: what a member's card is on Android, kept in step with the ledger through the Wallet API."""
