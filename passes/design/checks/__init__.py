"""What is wrong or unwise in a design, by subject, for both wallets."""
