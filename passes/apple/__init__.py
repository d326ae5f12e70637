"""Apple Wallet: the document, the seal, the web service phones call, and the push that wakes them."""
