"""The other side of both wallets, for development and tests: phones, push servers, vendor APIs, a test authority."""
